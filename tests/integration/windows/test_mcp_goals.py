"""The tools for goals, asked by the `mcp` client: a goal's result, or a clear error."""

from __future__ import annotations

from typing import Any

import pytest

from infra.records import TypeState
from tests.support.answers import draft, refused, unsure
from tests.support.deployment import Deployment
from tests.support.mcp_asked import REVISIONS, call, text_of
from tests.support.served_api import shown

COUNT = {"id": "s1", "type": "count", "args": {"items": {"$ref": "inputs.rows"}, "field": "intent"}}
PLAN = {"plan": {"steps": [COUNT], "result": {"$ref": "s1"}}, "inputs": {"rows": [{"intent": "a"}]}}
BROKEN = {"plan": {"steps": [{"id": "s1", "type": "table", "args": {"columns": [["x"], []]}}]}}


@pytest.mark.parametrize("mode", REVISIONS)
def test_a_goal_is_answered_with_its_result(deployment: Deployment, url: str, mode: str) -> None:
    deployment.start()
    result = call(url, "submit_goal", PLAN, mode)
    goal = shown(f"{url}/v1/goals/{result.structured_content['id']}")
    assert not result.is_error
    assert result.structured_content == {**_of(goal), "why": None, "plans": []}
    assert (goal["state"], goal["result"]) == ("succeeded", {"counts": [{"value": "a", "count": 1}], "total": 1})


def test_a_goal_in_words_that_is_unsure_is_an_error_with_plans_that_can_be_sent(
    deployment: Deployment, url: str
) -> None:
    plans = draft(COUNT, words="count the rows"), draft(COUNT, words="count them twice", confidence=0.4)
    deployment.answers["planner"] = lambda _: unsure(*plans)
    deployment.start()
    result = call(url, "submit_goal", {"goal": "Count", "inputs": PLAN["inputs"]})
    assert (result.is_error, result.structured_content["state"]) == (True, "unsure")
    assert "is unsure: two job types fit" in text_of(result)
    assert text_of(result).endswith("Its plans are:\n1. count the rows\n2. count them twice")
    chosen = result.structured_content["plans"][1]["plan"]
    assert not call(url, "submit_goal", {"plan": chosen, "inputs": PLAN["inputs"]}).is_error


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param({"goal": "Translate"}, "is refused: nothing here translates", id="refused"),
        pytest.param(BROKEN, "is failed: step 's1': ", id="failed"),
        pytest.param({"plan": {"steps": "s1"}}, "Not accepted: ", id="no plan"),
        pytest.param({}, "send one of 'goal' (words), 'plan' and 'saved'", id="nothing"),
        pytest.param({"goal": "x", "budget": 3}, "budget: Extra inputs are not permitted", id="unknown argument"),
        pytest.param({"goal": 3}, "goal: Input should be a valid string", id="no words"),
    ],
)
def test_a_goal_without_a_result_is_an_error_that_says_why(
    deployment: Deployment, url: str, asked: Any, said: str
) -> None:
    deployment.answers["planner"] = lambda _: refused()
    deployment.start()
    result = call(url, "submit_goal", asked)
    assert result.is_error
    assert said in text_of(result)


@pytest.mark.parametrize("mode", REVISIONS)
def test_a_goal_that_is_not_waited_for_goes_on_and_its_status_tells_of_it(
    deployment: Deployment, url: str, mode: str
) -> None:
    deployment.ledger.set_type_state("count", TypeState.PAUSED)
    deployment.start()
    begun = call(url, "submit_goal", {**PLAN, "wait_s": 0}, mode)
    assert (begun.is_error, begun.structured_content["state"]) == (False, "running")
    deployment.ledger.set_type_state("count", TypeState.OPEN)
    told = call(url, "goal_status", {"id": begun.structured_content["id"], "wait_s": 30}, mode)
    assert (told.is_error, told.structured_content["state"]) == (False, "succeeded")


def test_the_status_of_no_goal_is_an_error(url: str) -> None:
    result = call(url, "goal_status", {"id": "0" * 32})
    assert result.is_error
    assert text_of(result).startswith("no goal '000")


def _of(goal: Any) -> Any:
    return {name: goal[name] for name in ("id", "state", "result")}
