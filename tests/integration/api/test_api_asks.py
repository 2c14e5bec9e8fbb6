"""Goals whose planner asks owners of labels first, over real Redis and Celery: told, answered, and left unanswered."""

from __future__ import annotations

import time
from typing import Any

from starlette.testclient import TestClient

from coordinator.runs.jobs import ASKED_S
from tests.support.answers import ask, draft, planned
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.story import SORT, ref

Json = dict[str, Any]
KEEP = {"id": "s2", "type": "filter", "args": {"items": ref("s1"), "field": "intent", "equals": "exchange_rate"}}
GROUNDED = {"step": "s2", "argument": "equals", "value": "exchange_rate", "from": "about the rate", "by": "triage"}
ASKED = {"goal": "Which are about the rate?", "inputs": {"messages": ["one", "two"]}}


def planner(heard: list[Json]) -> Any:
    """Asks once, and keeps what it hears."""

    def answer(job_input: Json) -> Json:
        if not job_input["heard"]:
            return ask(("triage", {"text": "about the rate"}))
        heard.extend(job_input["heard"])
        return {**planned(SORT, KEEP), "plans": [draft(SORT, KEEP, grounded=[GROUNDED])]}

    return answer


def test_what_the_owner_of_labels_says_reaches_the_planner_and_the_goal_its_end(
    deployment: Deployment, api: TestClient
) -> None:
    heard: list[Json] = []
    deployment.answers |= {"planner": planner(heard), "triage": lambda _: {"intent": "exchange_rate"}}
    deployment.start()
    goal = api.post("/v1/goals?wait=30", json=ASKED).json()
    assert (goal["state"], len(goal["result"]["items"]), goal["grounded"]) == ("succeeded", 2, [GROUNDED])
    assert [(each["type"], each["input"], each["output"]) for each in heard] == [
        ("triage", {"text": "about the rate"}, {"intent": "exchange_rate"})
    ]
    assert goal["steps"]["planner_asks_1"]["succeeded"] == 1


def test_a_goal_waits_no_longer_for_an_owner_that_is_paused_than_it_is_worth(
    deployment: Deployment, api: TestClient
) -> None:
    heard: list[Json] = []
    deployment.answers |= {"planner": planner(heard), "triage": lambda _: {"intent": "exchange_rate"}}
    deployment.start()
    assert api.put("/v1/job-types/triage/state", json={"state": "paused"}).status_code == 200
    began = time.monotonic()
    goal_id = api.post("/v1/goals", json=ASKED).json()["id"]
    eventually(lambda: heard, "the planner is asked again", within_s=30)
    assert [each["output"] for each in heard] == [None]
    assert time.monotonic() - began >= ASKED_S
    api.put("/v1/job-types/triage/state", json={"state": "open"})
    assert api.get(f"/v1/goals/{goal_id}?wait=30").json()["state"] == "succeeded"
