"""Unsure and refused goals over HTTP and from Python: shown, waited for, confirmed, cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from coordinator.client import ApiError, Client
from tests.support.answers import draft, planned, refused, unsure
from tests.support.deployment import Deployment
from tests.support.story import LEAVING_OUT, SORT, ref

Json = dict[str, Any]


COUNT = {"id": "s2", "type": "count", "args": {"items": ref("s1"), "field": "intent"}}
GROUNDED = {"step": "s2", "argument": "field", "value": "intent", "from": "what they want"}
FIRST = draft(SORT, words="sorts the messages", confidence=0.5)
SECOND = draft(SORT, COUNT, words="counts what they want", confidence=0.4, grounded=[GROUNDED])
ASKED: Json = {"goal": "Sort or count", "inputs": {"messages": ["one", "two"]}}
SECOND_PLAN = {"steps": [SORT, COUNT]}


@pytest.fixture
def running(deployment: Deployment, api: TestClient) -> TestClient:
    deployment.answers |= {
        "planner": lambda _: unsure(FIRST, SECOND, reason="it may be counted or not"),
        "triage": lambda _: {"intent": "exchange_rate"},
    }
    deployment.start()
    return api


def test_waiting_for_an_unsure_goal_ends_when_it_is_unsure_and_shows_its_plans(running: TestClient) -> None:
    goal = running.post("/v1/goals?wait=30", json=ASKED).json()
    assert (goal["state"], goal["plan"], goal["failure"]) == ("unsure", None, None)
    assert (goal["reason"], goal["confirm"]) == ("it may be counted or not", "if_unsure")
    assert goal["plans"] == [
        {**each, "steps": [{**SORT, **LEAVING_OUT}, *each["steps"][1:]]} for each in (FIRST, SECOND)
    ]
    assert running.get(f"/v1/goals/{goal['id']}?wait=30").json() == goal
    assert [each["state"] for each in running.get("/v1/goals").json()] == ["unsure"]


def test_a_confirmed_goal_goes_on_with_the_plan_that_was_chosen(running: TestClient) -> None:
    goal_id = running.post("/v1/goals?wait=30", json=ASKED).json()["id"]
    answer = running.post(f"/v1/goals/{goal_id}/confirm?wait=30", json={"choice": 2})
    goal = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/goals/{goal_id}")
    assert (goal["state"], goal["result"]["total"], goal["plans"]) == ("succeeded", 2, [])
    assert (goal["words"], goal["confidence"], goal["grounded"]) == ("counts what they want", 0.4, [GROUNDED])


def test_a_goal_may_be_confirmed_with_a_plan_of_ones_own(running: TestClient) -> None:
    goal_id = running.post("/v1/goals?wait=30", json=ASKED).json()["id"]
    own = {"steps": [SORT, COUNT], "result": ref("s2.total")}
    goal = running.post(f"/v1/goals/{goal_id}/confirm?wait=30", json={"plan": own}).json()
    assert (goal["state"], goal["result"], goal["confidence"]) == ("succeeded", 2, None)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"choice": 3}, "choice: the goal has no plan 3; it has 2"),
        ({"choice": 0}, "body.choice: Input should be greater than or equal to 1"),
        ({"plan": {"steps": [{**SORT, "type": "sumarize"}]}}, "unknown job type"),
        ({"plan": {"steps": []}}, "at least one step"),
        ({}, "send either 'choice'"),
        ({"choice": 1, "plan": {}}, "send either 'choice'"),
        ({"chioce": 1}, "body.chioce: Extra inputs"),
    ],
)
def test_a_confirmation_that_cannot_be_is_refused_with_its_faults(running: TestClient, body: Json, fault: str) -> None:
    goal_id = running.post("/v1/goals?wait=30", json=ASKED).json()["id"]
    answer = running.post(f"/v1/goals/{goal_id}/confirm", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert fault in " ".join(answer.json()["errors"])
    assert running.get(f"/v1/goals/{goal_id}").json()["state"] == "unsure"


def test_only_an_unsure_goal_is_confirmed_and_only_once(running: TestClient) -> None:
    goal_id = running.post("/v1/goals?wait=30", json=ASKED).json()["id"]

    def confirm(choice: int) -> int:
        return running.post(f"/v1/goals/{goal_id}/confirm", json={"choice": choice}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(confirm, (1, 2, 1, 2))) == [202, 409, 409, 409]
    answer = running.post(f"/v1/goals/{goal_id}/confirm", json={"choice": 1})
    assert (answer.status_code, answer.json()["title"]) == (409, "Nothing to confirm")
    assert running.post("/v1/goals/nothing/confirm", json={"choice": 1}).status_code == 404


def test_an_unsure_goal_is_cancelled_as_any_other(running: TestClient) -> None:
    goal_id = running.post("/v1/goals?wait=30", json=ASKED).json()["id"]
    assert running.post(f"/v1/goals/{goal_id}/rerun").status_code == 409
    assert running.delete(f"/v1/goals/{goal_id}").json()["state"] == "cancelled"
    assert running.post(f"/v1/goals/{goal_id}/confirm", json={"choice": 1}).status_code == 409
    assert running.post(f"/v1/goals/{goal_id}/rerun").json()["state"] == "running"
    assert running.get(f"/v1/goals/{goal_id}?wait=30").json()["state"] == "unsure"


@pytest.mark.parametrize(
    ("confirm", "state"), [("always", "unsure"), ("if_unsure", "succeeded"), ("never", "succeeded")]
)
def test_a_sure_plan_waits_only_for_one_who_always_confirms(
    deployment: Deployment, running: TestClient, confirm: str, state: str
) -> None:
    deployment.answers["planner"] = lambda _: planned(SORT)
    assert running.post("/v1/goals?wait=30", json={**ASKED, "confirm": confirm}).json()["state"] == state


def test_for_one_who_never_confirms_the_first_plan_runs(running: TestClient) -> None:
    goal = running.post("/v1/goals?wait=30", json={**ASKED, "confirm": "never"}).json()
    assert (goal["state"], goal["words"], goal["confidence"]) == ("succeeded", "sorts the messages", 0.5)


def test_a_plan_that_is_sent_is_not_asked_about(running: TestClient) -> None:
    sent = {"plan": {"steps": [SORT]}, "inputs": ASKED["inputs"]}
    answer = running.post("/v1/goals", json={**sent, "confirm": "always"})
    assert (answer.status_code, "'always' is for goals in words" in answer.text) == (422, True)
    assert running.post("/v1/goals?wait=30", json={**sent, "confirm": "never"}).json()["state"] == "succeeded"
    assert running.post("/v1/goals", json={**ASKED, "confirm": "sometimes"}).status_code == 422


def test_a_refused_goal_says_what_is_missing_and_leaves_no_dead_letter(
    deployment: Deployment, running: TestClient
) -> None:
    deployment.answers["planner"] = lambda _: refused("nothing here translates; nearest: triage")
    goal = running.post("/v1/goals?wait=30", json=ASKED).json()
    assert (goal["state"], goal["failure"]) == ("refused", None)
    assert goal["reason"] == "nothing here translates; nearest: triage"
    assert running.get("/v1/dead-letters").json() == []
    assert '"reason": "nothing here translates; nearest: triage"' in running.get(f"/v1/goals/{goal['id']}/events").text


def test_the_events_go_on_after_the_confirmation(running: TestClient) -> None:
    goal_id = running.post("/v1/goals?wait=30", json=ASKED).json()["id"]
    running.post(f"/v1/goals/{goal_id}/confirm?wait=30", json={"choice": 1})
    text = running.get(f"/v1/goals/{goal_id}/events").text
    names = [line.partition(": ")[2] for line in text.split("\n") if line.startswith("event: ")]
    assert [name for name in names if name.startswith(("run.", "plan."))] == [
        "run.accepted",
        "run.unsure",
        "run.confirmed",
        "plan.accepted",
        "run.ended",
    ]
    assert "counts what they want" in text


def test_the_same_request_again_is_told_that_the_unsure_goal_goes_on(running: TestClient) -> None:
    headers = {"Idempotency-Key": "k-1"}
    goal_id = running.post("/v1/goals?wait=30", json=ASKED, headers=headers).json()["id"]
    again = running.post("/v1/goals?wait=30", json=ASKED, headers=headers)
    assert (again.status_code, again.json()["id"]) == (409, goal_id)
    other = running.post("/v1/goals", json={**ASKED, "confirm": "never"}, headers=headers)
    assert (other.status_code, other.json()["title"]) == (422, "The key was used for another request")
    plainly = running.post("/v1/goals", json={**ASKED, "confirm": "if_unsure"}, headers=headers)
    assert plainly.status_code == 409


@pytest.fixture
def client(running: TestClient, url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


def test_the_client_waits_until_a_goal_is_unsure_and_confirms_it(client: Client) -> None:
    goal = client.run(ASKED["goal"], ASKED["inputs"], 30.0)
    assert (goal["state"], len(goal["plans"])) == ("unsure", 2)
    client.confirm(goal["id"], 2)
    assert client.wait(goal["id"], 30.0)["result"]["total"] == 2
    with pytest.raises(ApiError, match="it waits for no confirmation") as refused_:
        client.confirm(goal["id"])
    assert refused_.value.status == 409


@pytest.mark.parametrize(
    ("how", "total"),
    [(lambda client, goal: client.confirm(goal), None), (lambda c, g: c.confirm(g, plan=SECOND_PLAN), 2)],
)
def test_the_client_confirms_the_first_plan_or_one_of_its_own(
    client: Client, how: Callable[[Client, str], Json], total: int | None
) -> None:
    goal_id = client.run(ASKED["goal"], ASKED["inputs"], 30.0)["id"]
    assert how(client, goal_id)["state"] == "running"
    result = client.wait(goal_id, 30.0)["result"]
    assert (result["total"] if isinstance(result, dict) else None) == total


def test_the_client_may_never_or_always_confirm(deployment: Deployment, client: Client) -> None:
    assert client.run(ASKED["goal"], ASKED["inputs"], 30.0, confirm="never")["state"] == "succeeded"
    deployment.answers["planner"] = lambda _: planned(SORT)
    assert client.run(ASKED["goal"], ASKED["inputs"], 30.0, confirm="always")["state"] == "unsure"


def test_the_clients_events_go_on_while_a_goal_is_unsure(client: Client) -> None:
    goal_id = client.submit(ASKED["goal"], ASKED["inputs"])["id"]
    seen = []
    for event in client.events(goal_id):
        seen.append(event.name)
        if event.name == "run.unsure":
            client.confirm(goal_id)
    assert seen[-1] == "run.ended"
