"""Saved plans over HTTP and from Python: kept by name, filled when they run, refused with all faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.client import ApiError, Client, Saved
from coordinator.goals.saved_plans import MOST, PLAN_BYTES
from infra.ledger.redis.ledger import RedisLedger
from tests.support.answers import draft, planned, unsure
from tests.support.deployment import Deployment
from tests.support.story import LEAVING_OUT, SORT, ref

Json = dict[str, Any]


KEEP = {"id": "s2", "type": "filter", "args": {"items": ref("s1"), "field": "intent", "equals": ref("inputs.intent")}}
PLAN = {"steps": [SORT, KEEP], "result": ref("s2.kept")}
HOLES: Json = {
    "messages": {"type": "array", "items": {"type": "string"}, "maxItems": 100},
    "intent": {"type": "string", "default": "exchange_rate"},
}
MESSAGES = ["my card is lost", "what is the rate", "and the rate?"]


def intent(job: Json) -> Json:
    return {"intent": "exchange_rate" if "rate" in job["text"] else "lost_or_stolen_card"}


def started(deployment: Deployment) -> Any:
    deployment.answers |= {"planner": lambda _: planned(SORT), "triage": intent}
    deployment.start()
    return deployment


@pytest.fixture
def running(deployment: Deployment, api: TestClient) -> TestClient:
    started(deployment)
    return api


def put(api: TestClient, name: str = "rates", body: Json | None = None, tenant: str = "default") -> Any:
    return api.put(f"/v1/plans/{name}", json=body or {"plan": PLAN, "inputs": HOLES}, headers={"X-Tenant": tenant})


def test_a_plan_is_kept_shown_listed_and_deleted(api: TestClient) -> None:
    assert (put(api).status_code, put(api).status_code) == (201, 200)
    put(api, "all", {"plan": {"steps": [SORT]}, "inputs": {"messages": HOLES["messages"]}})
    shown = api.get("/v1/plans/rates").json()
    assert shown == {"name": "rates", "plan": PLAN, "inputs": HOLES}
    assert [each["name"] for each in api.get("/v1/plans").json()] == ["all", "rates"]
    assert api.delete("/v1/plans/rates").json() == {"deleted": "rates"}
    for answer in (api.get("/v1/plans/rates"), api.delete("/v1/plans/rates")):
        assert (answer.status_code, answer.json()["errors"]) == (404, ["no saved plan 'rates' of this tenant"])


def test_a_saved_plan_runs_with_its_holes_filled_and_defaults_where_they_are_not(running: TestClient) -> None:
    put(running)
    asked: Json = {"saved": "rates", "inputs": {"messages": MESSAGES}}
    goal = running.post("/v1/goals?wait=30", json=asked).json()
    assert (goal["state"], goal["result"], goal["saved"], goal["goal"]) == ("succeeded", 2, "rates", None)
    assert goal["plan"]["steps"] == [SORT, KEEP]
    asked["inputs"]["intent"] = "lost_or_stolen_card"
    assert running.post("/v1/goals?wait=30", json=asked).json()["result"] == 1


def test_it_is_all_the_same_on_redis(ledger: RedisLedger, deploy: Callable[..., Deployment]) -> None:
    deployment = started(deploy(ledger))
    with TestClient(create_api(ledger, deployment.catalog, deployment.settings)) as api:
        assert put(api, tenant="acme").status_code == 201
        headers = {"X-Tenant": "acme"}
        goal = api.post("/v1/goals?wait=30", json={"saved": "rates", "inputs": {"messages": MESSAGES}}, headers=headers)
        assert goal.json()["result"] == 2
        assert put(api, "again", {"run": goal.json()["id"]}, tenant="acme").status_code == 201
        assert [each["name"] for each in api.get("/v1/plans", headers=headers).json()] == ["again", "rates"]
        assert api.get("/v1/plans").json() == []
        assert api.delete("/v1/plans/rates", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("inputs", "faults"),
    [
        ({}, ["inputs.messages: is missing; it must be array of string"]),
        ({"messages": "one"}, ["inputs.messages: must be array, is string"]),
        (
            {"messages": ["one", 2], "intent": 7, "n": 1},
            [
                "inputs: the saved plan takes no 'n'; known: messages, intent",
                "inputs.messages.1: must be string, is integer",
                "inputs.intent: must be string, is integer",
            ],
        ),
        ({"messages": ["x"] * 101}, ["inputs.messages: 101 items, maxItems is 100"]),
        ({"messages": None}, ["inputs: 'messages' is null; leave it out", "inputs.messages: must be array, is null"]),
        (
            {"messages": ["x"], "intent": "exchange_rat"},
            [
                "step 's2' (filter): args.equals: 'exchange_rat' is no value of 'intent'; "
                "nearest: exchange_rate, exchange_charge, exchange_via_app"
            ],
        ),
    ],
)
def test_inputs_that_do_not_fill_the_holes_are_refused(api: TestClient, inputs: Json, faults: list[str]) -> None:
    put(api)
    answer = api.post("/v1/goals", json={"saved": "rates", "inputs": inputs})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"] == faults
    assert api.get("/v1/goals").json() == []


def test_a_saved_plan_is_its_tenants(api: TestClient) -> None:
    put(api, tenant="acme")
    asked: Json = {"saved": "rates", "inputs": {"messages": MESSAGES}}
    refused = api.post("/v1/goals", json=asked, headers={"X-Tenant": "byte"})
    assert (refused.status_code, refused.json()["errors"]) == (422, ["saved: no saved plan 'rates' of tenant 'byte'"])
    assert api.get("/v1/plans").json() == []
    assert api.post("/v1/goals", json=asked, headers={"X-Tenant": "acme"}).status_code == 202


def test_a_goals_plan_is_saved_with_a_hole_for_each_input_that_it_uses(running: TestClient) -> None:
    asked = {"goal": "Sort", "inputs": {"messages": MESSAGES, "unused": 7}, "limits": {"deadline_s": 60}}
    run = running.post("/v1/goals?wait=30", json=asked).json()
    saved = put(running, "sorted", {"run": run["id"]}).json()
    assert saved == {
        "name": "sorted",
        "plan": {"steps": [{**SORT, **LEAVING_OUT}], "result": ref("s1")},
        "inputs": {"messages": {"type": "array", "items": {"type": "string"}}},
    }
    goal = running.post("/v1/goals?wait=30", json={"saved": "sorted", "inputs": {"messages": ["the rate"]}}).json()
    assert goal["result"] == [{"intent": "exchange_rate"}]
    narrower = put(running, "sorted", {"run": run["id"], "inputs": {"messages": HOLES["messages"]}}).json()
    assert narrower["inputs"]["messages"]["maxItems"] == 100


def test_a_goal_without_a_plan_has_none_to_save(deployment: Deployment, running: TestClient) -> None:
    deployment.answers["planner"] = lambda _: unsure(draft(SORT))
    run = running.post("/v1/goals?wait=30", json={"goal": "Sort", "inputs": {"messages": MESSAGES}}).json()
    answer = put(running, "sorted", {"run": run["id"]})
    assert (answer.status_code, answer.json()["errors"]) == (422, ["run: the goal has no plan: it is unsure"])
    unknown = put(running, "sorted", {"run": "nothing"})
    assert unknown.json()["errors"] == ["run: no goal 'nothing': never accepted, or forgotten since"]


@pytest.mark.parametrize(
    ("name", "body", "faults"),
    [
        ("rates", {"plan": PLAN}, ["inputs.messages: the plan refers to it", "inputs.intent: the plan refers to it"]),
        (
            "rates",
            {"plan": PLAN, "inputs": {**HOLES, "intnet": {}}},
            ["inputs.intnet: the plan does not refer to it"],
        ),
        (
            "-rates",
            {"plan": PLAN, "inputs": {**HOLES, "intent": {"type": "text"}}},
            ["name: '-rates' is no plan's name", "inputs.intent: is no JSON Schema"],
        ),
        (
            "rates",
            {"plan": PLAN, "inputs": {**HOLES, "messages": {"type": "string"}}},
            ["map.over: 'inputs.messages' must be array, is string"],
        ),
        (
            "rates",
            {"plan": {"steps": [{**SORT, "type": "sort_of"}]}, "inputs": HOLES},
            ["inputs.intent: the plan does not refer to it", "step 's1' (sort_of): unknown job type"],
        ),
        (
            "rates",
            {"plan": {"steps": [{"id": "s1", "type": "triage", "args": {"text": "x"}}]}, "inputs": {"intent": {}}},
            ["inputs.intent: the plan does not refer to it"],
        ),
        ("rates", {"plan": {"steps": []}}, ["a plan is an object with a list 'steps'"]),
        ("rates", {}, ["send either 'plan' or 'run'"]),
        ("rates", {"plan": PLAN, "run": "r1"}, ["send either 'plan' or 'run'"]),
        ("rates", {"plan": PLAN, "holes": HOLES}, ["body.holes: Extra inputs"]),
        (
            "rates",
            {"plan": {"steps": [{**SORT, "args": {"text": "x" * PLAN_BYTES}}]}, "inputs": {}},
            [f"a saved plan may have {PLAN_BYTES}"],
        ),
    ],
)
def test_what_cannot_be_saved_is_refused_with_all_faults(
    api: TestClient, name: str, body: Json, faults: list[str]
) -> None:
    answer = api.put(f"/v1/plans/{name}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    said = answer.json()["errors"]
    assert len(said) == len(faults)
    assert [fault for fault, one in zip(faults, said, strict=True) if fault not in one] == []
    assert api.get("/v1/plans").json() == []


def test_a_tenant_keeps_so_many_plans_and_no_more(deployment: Deployment, api: TestClient) -> None:
    for number in range(MOST):
        deployment.ledger.save_plan("default", f"p{number}", {"plan": {}, "inputs": {}}, MOST)
    answer = put(api)
    assert (answer.status_code, answer.json()["errors"][0]) == (
        422,
        f"plans: the tenant has {MOST} already; delete one, or replace one of them",
    )
    assert put(api, "p7").status_code == 200


def test_a_goal_asks_one_thing_and_a_saved_plan_is_not_confirmed(api: TestClient) -> None:
    put(api)
    both = api.post("/v1/goals", json={"saved": "rates", "goal": "Sort"})
    assert both.json()["errors"] == ["send one of 'goal' (words), 'plan' and 'saved' (the name of a saved plan)"]
    confirmed = api.post("/v1/goals", json={"saved": "rates", "inputs": {"messages": []}, "confirm": "always"})
    assert (confirmed.status_code, "'always' is for goals in words" in confirmed.text) == (422, True)


def test_a_goals_own_limits_take_the_place_of_the_saved_plans(running: TestClient) -> None:
    put(running, body={"plan": {**PLAN, "limits": {"deadline_s": 9, "max_jobs": 50}}, "inputs": HOLES})
    asked = {"saved": "rates", "inputs": {"messages": MESSAGES}, "limits": {"deadline_s": 60}}
    limits = running.post("/v1/goals", json=asked).json()["plan"]["limits"]
    assert (limits["deadline_s"], limits["max_jobs"]) == (60, 50)


def test_a_plan_that_is_replaced_or_deleted_changes_no_goal_that_runs_it(running: TestClient) -> None:
    put(running)
    asked, key = {"saved": "rates", "inputs": {"messages": MESSAGES}}, {"Idempotency-Key": "k-1"}
    first = running.post("/v1/goals?wait=30", json=asked, headers=key).json()
    put(running, body={"plan": {"steps": [SORT]}, "inputs": {"messages": HOLES["messages"]}})
    again = running.post("/v1/goals?wait=30", json=asked, headers=key)
    assert (again.status_code, again.json()["id"], again.json()["result"]) == (200, first["id"], 2)
    running.delete("/v1/plans/rates")
    running.post(f"/v1/goals/{first['id']}/rerun", json={"step": "s1"})
    assert running.get(f"/v1/goals/{first['id']}?wait=30").json()["result"] == 2


def test_one_that_does_not_read_is_named_and_costs_no_other(deployment: Deployment, api: TestClient) -> None:
    put(api)
    deployment.ledger.save_plan("default", "newer", {"plan": {}, "inputs": {}, "colour": "red"}, MOST)
    assert [each["name"] for each in api.get("/v1/plans").json()] == ["rates"]
    for answer in (api.get("/v1/plans/newer"), api.post("/v1/goals", json={"saved": "newer"})):
        assert (answer.status_code, answer.json()["title"]) == (500, "The saved plan's record does not read")


def test_the_plan_in_a_goals_view_can_be_handed_in_again(running: TestClient) -> None:
    goal = running.post("/v1/goals?wait=30", json={"goal": "Sort", "inputs": {"messages": MESSAGES}}).json()
    again = running.post("/v1/goals?wait=30", json={"plan": goal["plan"], "inputs": {"messages": MESSAGES}}).json()
    assert (again["plan"], again["result"]) == (goal["plan"], goal["result"])


@pytest.fixture
def client(running: TestClient, url: str) -> Iterator[Client]:
    with Client(url, "acme") as client:
        yield client


def test_the_client_saves_runs_lists_and_deletes(client: Client) -> None:
    assert client.save_plan("rates", PLAN, HOLES)["name"] == "rates"
    goal = client.run(Saved("rates"), {"messages": MESSAGES}, 30.0)
    assert goal["result"] == 2
    client.save_plan("again", run=goal["id"])
    assert [each["name"] for each in client.plans()] == ["again", "rates"]
    assert client.plan("again")["inputs"]["intent"] == {"type": "string"}
    client.delete_plan("rates")
    with pytest.raises(ApiError, match="no saved plan 'rates'") as missing:
        client.plan("rates")
    assert missing.value.status == 404
    with pytest.raises(ApiError, match=r"inputs\.messages: is missing; it must be array of string"):
        client.submit(Saved("again"), {"intent": "exchange_rate"})
