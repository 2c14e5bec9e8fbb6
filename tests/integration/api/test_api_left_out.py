"""One bad row among many, in a goal in words: the others have answers, and the goal says which has none, and why."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from coordinator.commands.views.results import left_out_lines
from tests.support.answers import planned
from tests.support.story import COUNT, JOIN, SORT

MESSAGES = ["my card is lost", "", "where is my refund?"]


def triage(input: Any) -> Any:
    if not input["text"]:
        raise ValueError("triage.input.text: 0 characters, minLength is 1")
    return {"intent": "card_arrival"}


def sort_them(deployment: Any, api: TestClient, messages: list[Any]) -> Any:
    deployment.answers |= {"planner": lambda _: planned(SORT, JOIN, COUNT), "triage": triage}
    deployment.start()
    body = {"goal": "sort these messages and count them", "inputs": {"messages": messages}}
    accepted = api.post("/v1/goals", json=body)
    assert accepted.status_code == 202
    return api.get(f"{accepted.headers['Location']}?wait=20").json()


def test_the_others_are_answered_and_the_goal_says_which_was_left_out(deployment: Any, api: TestClient) -> None:
    goal = sort_them(deployment, api, MESSAGES)

    assert (goal["state"], goal["result"]["counts"]) == ("succeeded", [{"value": "card_arrival", "count": 2}])
    told = goal["steps"]["s1"]
    assert (told["succeeded"], told["skipped"]) == (2, 1)
    assert told["left_out"] == [{"index": 1, "why": "triage.input.text: 0 characters, minLength is 1"}]
    assert left_out_lines(goal) == [
        "step s1 left out 1 of 3:",
        "  item 1: triage.input.text: 0 characters, minLength is 1",
    ]


def test_where_nothing_can_be_answered_the_goal_fails_and_says_why(deployment: Any, api: TestClient) -> None:
    goal = sort_them(deployment, api, ["", ""])

    assert (goal["state"], goal["result"]) == ("failed", None)
    assert "item 0: triage.input.text: 0 characters, minLength is 1" in goal["failure"]["message"]


def test_a_row_of_another_type_is_left_out_too(deployment: Any, api: TestClient) -> None:
    goal = sort_them(deployment, api, ["my card is lost", None, "my card is late"])

    assert goal["state"] == "succeeded"
    assert [each["index"] for each in goal["steps"]["s1"]["left_out"]] == [1]
