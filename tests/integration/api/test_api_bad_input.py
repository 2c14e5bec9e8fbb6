"""Bad input: each a problem that names all faults, and nothing half accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

JSON = {"Content-Type": "application/json"}


def ref(path: str) -> dict[str, str]:
    return {"$ref": path}


def plan(*steps: Any, **rest: Any) -> bytes:
    return json.dumps({"plan": {"steps": list(steps)}, "inputs": {"note": "a text"}, **rest}).encode()


def triage(step_id: str, text: Any, **rest: Any) -> dict[str, Any]:
    return {"id": step_id, "type": "triage", "args": {"text": text}, **rest}


BAD_GOALS = [
    pytest.param(b'{"goal": ""}', 422, ["goal: is empty"], id="empty goal"),
    pytest.param(b'{"goal": " \\n "}', 422, ["goal: is empty"], id="blank goal"),
    pytest.param(b"{}", 422, ["send one of 'goal' (words), 'plan' and 'saved'"], id="nothing asked"),
    pytest.param(
        b'{"goal": "x", "plan": {"steps": []}}',
        422,
        ["send one of 'goal' (words), 'plan' and 'saved'"],
        id="both asked",
    ),
    pytest.param(b'{"gaol": "x"}', 422, ["body.gaol"], id="unknown field"),
    pytest.param(b'{"goal": 7}', 422, ["body.goal"], id="wrong field type"),
    pytest.param(b'["goal"]', 422, ["body"], id="a list"),
    pytest.param(b"null", 422, ["body"], id="null"),
    pytest.param(b"", 422, ["body"], id="no body"),
    pytest.param(
        json.dumps({"goal": "x" * 4001}).encode(), 422, ["planner.input.goal: 4001 characters"], id="long goal"
    ),
    pytest.param(
        b'{"goal": "x", "inputs": {"a.b": [], "a[0]": "x", "": 1}}',
        422,
        ["'a.b' is no name", "'a[0]' is no name", "'' is no name"],
        id="input names",
    ),
    pytest.param(b'{"goal": "x", "inputs": {"a": null}}', 422, ["'a' is null"], id="null input"),
    pytest.param(
        b'{"goal": "x", "limits": {"max_jobs": 0, "speed": 1, "claim_within_s": 0}}',
        422,
        ["limits.max_jobs", "limits.speed", "limits.claim_within_s"],
        id="limits",
    ),
    pytest.param(b'{"goal": "x", "priority": "urgent"}', 422, ["body.priority: Input should be 'high'"], id="priority"),
    pytest.param(
        plan({"id": "s1", "type": "sumarize", "args": {}}),
        422,
        ["unknown job type; known: average, call, command"],
        id="unknown job type",
    ),
    pytest.param(
        plan({"id": "s1", "type": "triage", "args": {"txt": "x"}}),
        422,
        ["unknown 'txt'; known: text"],
        id="wrong field",
    ),
    pytest.param(
        plan(triage("s1", ref("s2.intent")), triage("s2", ref("s1.intent"))),
        422,
        ["a cycle: s1 needs s2 needs s1"],
        id="cycle",
    ),
    pytest.param(
        plan(triage("s1", ref("inputs.nothing"))), 422, ["no 'nothing' there; known: note"], id="unresolved reference"
    ),
    pytest.param(b'{"goal": "' + b"x" * 2_000_000 + b'"}', 413, ["body: more than 300000 bytes"], id="2 MB of text"),
    pytest.param(bytes(range(256)) * 8, 400, ["is not UTF-8"], id="binary garbage"),
    pytest.param(b"\x1f\x8b\x08\x00" + b"\x00" * 64, 400, ["is not UTF-8"], id="gzip"),
    pytest.param(b"\x00" * 100, 400, ["body: is not JSON: Expecting value"], id="zeros"),
    pytest.param(b'{"goal": "x"', 400, ["body: is not JSON: Expecting ',' delimiter at character 13"], id="cut off"),
    pytest.param(
        b'{"goal": "x", "inputs": {"a": NaN}}', 400, ["body: is not JSON: NaN is no number of JSON"], id="NaN"
    ),
    pytest.param(
        b'{"goal": "x", "inputs": {"a": -Infinity}}',
        400,
        ["body: is not JSON: -Infinity is no number of JSON"],
        id="Infinity",
    ),
    pytest.param(b'{"goal": "x", "inputs": {"a": 1e999}}', 400, ["body.inputs.a: the number is too large"], id="1e999"),
    pytest.param(b'{"goal": "x", "inputs": {"a": ' + b"9" * 5000 + b"}}", 400, ["body"], id="5000 digits"),
    pytest.param(
        b'{"goal": "a\\u0000b", "inputs": {"a": "\\u0000"}}',
        400,
        ["body.goal: a NUL", "body.inputs.a: a NUL"],
        id="NUL",
    ),
    pytest.param(b'{"goal": "\\ud800"}', 400, ["body.goal: half a surrogate pair at character 0"], id="lone surrogate"),
    pytest.param(
        b'{"goal": "x", "inputs": {"\\udfff": "x"}}', 400, ["half a surrogate pair"], id="surrogate in a name"
    ),
    pytest.param(
        b'{"goal": "x", "inputs": {"a": ' + b"[" * 100 + b"]" * 100 + b"}}", 400, ["more than 64 levels"], id="nested"
    ),
    pytest.param(b"[" * 100_000, 400, ["body"], id="nested past the stack"),
]


@pytest.mark.parametrize(("body", "status", "sentences"), BAD_GOALS)
def test_a_bad_goal_is_a_problem_that_says_why(api: TestClient, body: bytes, status: int, sentences: list[str]) -> None:
    answer = api.post("/v1/goals", content=body, headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    problem = answer.json()
    assert problem["status"] == status
    for sentence in sentences:
        assert any(sentence in error for error in problem["errors"]), problem
    assert api.get("/v1/goals").json() == []


def test_every_fault_of_a_request_comes_at_once(api: TestClient) -> None:
    steps = [{"id": "s1", "type": "sumarize", "args": {}}, triage("s2", 7), triage("s3", ref("s9")), {"id": "s4"}]
    answer = api.post("/v1/goals", content=plan(*steps, limits={"max_jobs": 0}), headers=JSON)
    errors = "\n".join(answer.json()["errors"])
    for part in ("limits.max_jobs", "step 's1'", "step 's2'", "step 's3'", "step 's4'"):
        assert part in errors


def test_a_body_without_a_length_is_counted_while_it_is_read(api: TestClient) -> None:
    answer = api.post("/v1/goals", content=(b"x" * 10_000 for _ in range(200)), headers=JSON)
    assert answer.status_code == 413


def test_a_body_that_does_not_say_json_is_refused(api: TestClient) -> None:
    answer = api.post("/v1/goals", content=b'{"goal": "x"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert answer.json()["errors"] == ["header Content-Type: is 'text/plain'; send application/json"]


BAD_JOBS = [
    pytest.param(
        {"type": "sumarize", "input": {}}, ["unknown job type 'sumarize'; known: average, call"], id="unknown type"
    ),
    pytest.param(
        {"type": "triage", "input": {"txt": "x"}}, ["triage.input: missing 'text'", "unknown 'txt'"], id="wrong field"
    ),
    pytest.param(
        {"type": "triage", "input": {"text": "x" * 2001}}, ["2001 characters, maxLength is 2000"], id="too long"
    ),
    pytest.param({"type": "triage", "input": []}, ["body.input"], id="input is a list"),
    pytest.param({"type": "triage"}, ["body.input"], id="no input"),
    pytest.param({"type": "triage", "input": {"text": "x"}, "priority": "urgent"}, ["body.priority"], id="priority"),
    pytest.param(
        {"type": "triage", "input": {"text": "x"}, "deadline_s": 0, "claim_within_s": -1},
        ["limits.deadline_s: Input should be greater than 0", "limits.claim_within_s: Input should be greater than 0"],
        id="deadlines below zero",
    ),
    pytest.param(
        {"type": "triage", "input": {"text": "x"}, "deadline_s": 1e9}, ["limits.deadline_s"], id="deadline in 31 years"
    ),
    pytest.param(
        {"type": "triage", "input": {"text": "x"}, "claim_within_s": "soon"},
        ["body.claim_within_s"],
        id="claim_within_s in words",
    ),
]


@pytest.mark.parametrize(("job", "sentences"), BAD_JOBS)
def test_a_bad_job_is_a_problem_that_says_why(api: TestClient, job: Any, sentences: list[str]) -> None:
    answer = api.post("/v1/jobs", json=job)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    for sentence in sentences:
        assert any(sentence in error for error in answer.json()["errors"]), answer.text
    assert api.get("/v1/goals").json() == []


BAD_REQUESTS = [
    pytest.param("GET", "/v1/goals/nothing", {}, 404, id="unknown goal"),
    pytest.param("GET", "/v1/goals/nothing/events", {}, 404, id="events of an unknown goal"),
    pytest.param("POST", "/v1/goals/nothing/cancel", {}, 404, id="cancel an unknown goal"),
    pytest.param("GET", "/v1/jobs/nothing", {}, 404, id="unknown job"),
    pytest.param("GET", "/v1/job-types/sumarize", {}, 404, id="unknown job type"),
    pytest.param("GET", "/v2/goals", {}, 404, id="unknown address"),
    pytest.param("PUT", "/v1/goals", {}, 405, id="wrong method"),
    pytest.param("GET", "/v1/goals?limit=0", {}, 422, id="limit"),
    pytest.param("GET", "/v1/goals/nothing?wait=-1", {}, 422, id="negative wait"),
    pytest.param("GET", "/v1/goals/nothing?wait=nan", {}, 422, id="wait is no number"),
    pytest.param("GET", "/v1/goals/nothing/events", {"Last-Event-ID": "x; DROP"}, 400, id="event id"),
    pytest.param("POST", "/v1/goals/nothing/rerun", {}, 404, id="run an unknown goal again"),
    pytest.param("DELETE", "/v1/jobs/nothing", {}, 404, id="cancel an unknown job"),
    pytest.param("POST", "/v1/jobs/nothing.s1.0/cancel", {}, 404, id="cancel an unknown goal's job"),
    pytest.param("GET", "/v1/dead-letters/nothing", {}, 404, id="unknown letter"),
    pytest.param("POST", "/v1/dead-letters/nothing/rerun", {}, 404, id="rerun an unknown letter"),
    pytest.param("DELETE", "/v1/dead-letters/nothing", {}, 404, id="purge an unknown letter"),
    pytest.param("GET", "/v1/dead-letters?cause=bad", {}, 422, id="letters of an unknown cause"),
    pytest.param("DELETE", "/v1/dead-letters?cause=bad", {}, 422, id="purge an unknown cause"),
    pytest.param("GET", "/v1/dead-letters?limit=1001", {}, 422, id="letters beyond the limit"),
    pytest.param("GET", "/v1/dead-letters?job_type=triage", {}, 422, id="letters by an unknown parameter"),
    pytest.param("GET", "/v1/dead-letters?type=sumarize", {}, 404, id="letters of an unknown type"),
    pytest.param("DELETE", "/v1/dead-letters?type=sumarize", {}, 404, id="purge an unknown type"),
    pytest.param("DELETE", "/v1/dead-letters", {}, 422, id="purge without saying what"),
    pytest.param("DELETE", "/v1/dead-letters?all=true&type=triage", {}, 422, id="purge all of a type"),
    pytest.param("GET", "/v1/goals?limt=5", {}, 422, id="unknown parameter of goals"),
    pytest.param("GET", "/v1/jobs/nothing?wiat=5", {}, 422, id="unknown parameter of a job"),
    pytest.param("GET", "/v1/workers?all=true", {}, 422, id="parameter of what has none"),
    pytest.param("GET", "/v1/job-types/sumarize/load", {}, 404, id="load of an unknown job type"),
    pytest.param("GET", "/v1/job-types/triage/load?priority=urgent", {}, 422, id="load of an unknown class"),
    pytest.param("GET", "/v1/job-types/triage/load", {"X-Tenant": "no/slash"}, 400, id="tenant"),
]


@pytest.mark.parametrize(("method", "path", "headers", "status"), BAD_REQUESTS)
def test_every_error_is_a_problem(
    api: TestClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = api.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["status"] == status


@pytest.mark.parametrize("path", ["/v1/goals", "/v1/jobs"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("X-Tenant", "", id="no tenant"),
        pytest.param("X-Tenant", "two words", id="tenant of two words"),
        pytest.param("X-Tenant", "tenant/key", id="tenant with a slash"),
        pytest.param("X-Tenant", "x" * 65, id="tenant too long"),
        pytest.param("X-Tenant", "ünïcode".encode(), id="tenant not in ASCII"),
        pytest.param("Idempotency-Key", "", id="no key"),
        pytest.param("Idempotency-Key", "two words", id="key of two words"),
        pytest.param("Idempotency-Key", "x" * 256, id="key too long"),
        pytest.param("Idempotency-Key", "ünïcode".encode(), id="key not in ASCII"),
    ],
)
def test_a_bad_header_is_a_problem_that_names_it(api: TestClient, path: str, name: str, value: str | bytes) -> None:
    job = {"type": "triage", "input": {"text": "x"}}
    asked = job if path == "/v1/jobs" else {"plan": {"steps": [triage("s1", "x")]}}
    answer = api.post(path, json=asked, headers={name.encode(): value if isinstance(value, bytes) else value.encode()})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), answer.text
    assert answer.json()["errors"][0].startswith(f"header {name}: ")
    assert api.get("/v1/goals").json() == []


@pytest.mark.parametrize(
    ("name", "body", "status", "sentence"),
    [
        pytest.param("triage", {"state": "closed"}, 422, "body.state: Input should be 'open', 'paused' or", id="state"),
        pytest.param("triage", {}, 422, "body.state: Field required", id="no state"),
        pytest.param("triage", {"state": "open", "for_s": 5}, 422, "body.for_s", id="unknown field"),
        pytest.param("sumarize", {"state": "paused"}, 404, "unknown job type 'sumarize'; known: ", id="unknown type"),
    ],
)
def test_a_bad_state_is_a_problem_that_says_why(
    api: TestClient, name: str, body: Any, status: int, sentence: str
) -> None:
    answer = api.put(f"/v1/job-types/{name}/state", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert sentence in answer.json()["errors"][0], answer.text
    assert api.get("/v1/job-types/triage").json()["state"] == "open"


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        pytest.param({"step": "s2"}, 409, "the goal has no step 's2'; known: s1", id="unknown step"),
        pytest.param({"step": 2}, 422, "body.step", id="step is no text"),
        pytest.param({"from": "s1"}, 422, "body.from", id="unknown field"),
    ],
)
def test_a_bad_rerun_is_a_problem_that_says_why(api: TestClient, body: Any, status: int, sentence: str) -> None:
    goal_id = api.post("/v1/goals", content=plan(triage("s1", "x")), headers=JSON).json()["id"]
    api.delete(f"/v1/goals/{goal_id}")
    answer = api.post(f"/v1/goals/{goal_id}/rerun", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert sentence in answer.json()["errors"][0], answer.text
    assert api.get(f"/v1/goals/{goal_id}").json()["state"] == "cancelled"


def test_an_unknown_parameter_is_named_and_so_are_those_that_there_are(api: TestClient) -> None:
    answer = api.delete("/v1/dead-letters?job_type=triage&x=1")
    known = "is not known here; known: all, cause, type"
    assert answer.json()["errors"] == [f"query.job_type: {known}", f"query.x: {known}"]
    assert api.get("/livez?x=1").json()["errors"] == ["query.x: is not known here; leave it out"]


def test_a_goal_that_runs_is_not_run_again(api: TestClient) -> None:
    goal_id = api.post("/v1/goals", content=plan(triage("s1", "x")), headers=JSON).json()["id"]
    answer = api.post(f"/v1/goals/{goal_id}/rerun")
    assert (answer.status_code, answer.json()["title"]) == (409, "Not taken up again")
    assert answer.json()["errors"] == ["the goal still runs; wait for its end, or cancel it"]


def test_a_job_that_did_not_fail_is_no_dead_letter(api: TestClient) -> None:
    job_id = api.post("/v1/jobs", json={"type": "triage", "input": {"text": "x"}}).json()["id"]
    for method, rest in (("GET", ""), ("POST", "/rerun"), ("DELETE", "")):
        answer = api.request(method, f"/v1/dead-letters/{job_id}{rest}")
        assert answer.status_code == 404
        assert f"no dead letter '{job_id}'" in answer.json()["errors"][0]


def test_an_empty_line_in_a_goal_is_no_fault(api: TestClient) -> None:
    assert api.post("/v1/goals", json={"goal": "sort\n\nthis: ünïcode 🙂"}).status_code == 202
