"""Fields sent under an old name: done as under the new one, with a notice in the answer's header."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from coordinator.client import Client
from infra.ledger.protocol import Ledger
from tests.support.story import SORT, ref

STEP = {"id": "s1", "type": "triage", "args": {"text": "my card is lost"}}
JOB = {"type": "triage", "input": {"text": "my card is lost"}}
HOLES = {"messages": {"type": "array", "items": {"type": "string"}, "maxItems": 100}}
NOTICE = '299 - "{0}queue_s is called {0}claim_within_s now; the old name is still read"'
REQUESTS = [
    pytest.param("/v1/jobs", lambda said: {**JOB, **said}, "", id="job"),
    pytest.param("/v1/goals", lambda said: {"plan": {"steps": [STEP]}, "limits": said}, "limits.", id="goal"),
    pytest.param("/v1/goals", lambda said: {"plan": {"steps": [STEP], "limits": said}}, "plan.limits.", id="plan"),
]


def limits_of(api: TestClient, answer: Any) -> Any:
    goal = api.get(f"/v1/goals/{answer.json()['id'].partition('.')[0]}").json()
    return goal["plan"]["limits"]


@pytest.mark.parametrize(("path", "body", "place"), REQUESTS)
def test_the_old_name_does_the_same_as_the_new_one_and_is_noticed(
    api: TestClient, path: str, body: Any, place: str
) -> None:
    old, new = api.post(path, json=body({"queue_s": 50})), api.post(path, json=body({"claim_within_s": 50}))
    assert (old.status_code, old.headers.get("warning")) == (202, NOTICE.format(place))
    assert (new.status_code, new.headers.get("warning")) == (202, None)
    assert limits_of(api, old) == limits_of(api, new)
    assert limits_of(api, old)["claim_within_s"] == 50
    assert "queue_s" not in limits_of(api, old)


@pytest.mark.parametrize(("path", "body", "place"), REQUESTS)
def test_the_old_name_makes_no_other_request_under_one_key(api: TestClient, path: str, body: Any, place: str) -> None:
    first = api.post(path, json=body({"queue_s": 50}), headers={"Idempotency-Key": "k-1"})
    again = api.post(path, json=body({"claim_within_s": 50}), headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, again.json()["title"]) == (202, "Still running")
    assert again.headers["location"] == first.headers["location"]


@pytest.mark.parametrize(("path", "body", "place"), REQUESTS)
def test_a_value_that_is_refused_and_both_names_at_once_are_faults(
    api: TestClient, path: str, body: Any, place: str
) -> None:
    for said in ({"queue_s": "soon"}, {"queue_s": 5, "claim_within_s": 5}):
        answer = api.post(path, json=body(said))
        assert answer.status_code == 422
        assert "queue_s: " in answer.text
    assert api.get("/v1/goals").json() == []


def test_what_a_plan_says_is_stronger_than_what_its_goal_says_under_either_name(api: TestClient) -> None:
    plan = {"steps": [STEP], "limits": {"queue_s": 5}}
    answer = api.post("/v1/goals", json={"plan": plan, "limits": {"claim_within_s": 50}})
    assert limits_of(api, answer)["claim_within_s"] == 5


def test_a_saved_plan_is_kept_under_the_new_name(deployment: Any, api: TestClient) -> None:
    plan = {"steps": [SORT], "limits": {"queue_s": 50}}
    saved = api.put("/v1/plans/sort", json={"plan": plan, "inputs": HOLES})
    assert (saved.status_code, saved.headers["warning"]) == (201, NOTICE.format("plan.limits."))
    assert deployment.ledger.saved_plan("default", "sort")["plan"]["limits"] == {"claim_within_s": 50}
    assert api.get("/v1/plans/sort").json()["plan"]["limits"] == {"claim_within_s": 50}


@pytest.mark.parametrize(("said", "within_s"), [({}, 50), ({"queue_s": 7}, 7), ({"claim_within_s": 7}, 7)])
def test_a_saved_plan_from_before_runs_with_its_limit_or_that_of_its_goal(
    deployment: Any, api: TestClient, said: dict[str, float], within_s: float
) -> None:
    ledger: Ledger = deployment.ledger
    plan = {"steps": [SORT], "result": ref("s1"), "limits": {"queue_s": 50}}
    ledger.save_plan("default", "sort", {"plan": plan, "inputs": HOLES}, 10)
    goal = {"saved": "sort", "inputs": {"messages": ["one"]}, "limits": said}
    assert limits_of(api, api.post("/v1/goals", json=goal))["claim_within_s"] == within_s
    assert api.get("/v1/plans/sort").json()["plan"]["limits"] == {"claim_within_s": 50}


def test_the_python_client_warns_and_sends_the_new_name(deployment: Any, url: str) -> None:
    with Client(url) as client:
        with pytest.warns(DeprecationWarning, match="'queue_s' is called 'claim_within_s' now") as warned:
            job = client.job("triage", {"text": "x"}, 0.0, queue_s=50)
        assert warned[0].filename == __file__
        with pytest.warns(DeprecationWarning, match="'queue_s' is called 'claim_within_s' now") as warned:
            goal = client.submit({"steps": [STEP]}, limits={"queue_s": 50})
        assert warned[0].filename == __file__
        new = client.submit({"steps": [STEP]}, limits={"claim_within_s": 50})
        for each in (job["id"].partition(".")[0], goal["id"], new["id"]):
            assert client.get(each)["plan"]["limits"]["claim_within_s"] == 50


def test_the_schema_of_the_api_names_the_new_one_alone(api: TestClient) -> None:
    schema = api.get("/openapi.json").text
    assert '"claim_within_s"' in schema
    assert "queue_s" not in schema


def test_a_dead_letter_is_run_again_under_the_old_path_and_the_old_method_too(deployment: Any, url: str) -> None:
    deployment.start()
    with Client(url) as client:
        job = client.job("table", {"columns": [["a", "b"], ["c"]]}, 30.0)
        assert job["state"] == "failed"
        with pytest.warns(DeprecationWarning, match="'replay' is called 'rerun_letter' now") as warned:
            goal = client.replay(job["id"])
        assert (warned[0].filename, client.wait(goal["id"], 30.0)["state"]) == (__file__, "failed")
        answer = httpx.post(f"{url}/v1/dead-letters/{job['id']}/replay")
    assert (answer.status_code, answer.json()["id"]) == (202, goal["id"])
    assert answer.headers["warning"] == '299 - "/replay is called /rerun now; the old path is still served"'
