"""Fallbacks: an unsure output has the fallback asked the same, decided without a ledger or a queue."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coordinator.plans.plan import PLANNING
from coordinator.runs.advance import advance
from infra.records import FailureKind, RunState
from specialists.catalog import Catalog
from specialists.manifest import Decoding
from tests.support.answers import planned, refused
from tests.support.story import CATALOG, INTENT, SORT, Story, done, failed, goal_run, ref, run_of, with_fallback

OTHER = {"intent": "lost_or_stolen_card"}
CATALOG_OF_TWO = with_fallback()
COUNTED = {"id": "s2", "type": "count", "args": {"items": ref("s1"), "field": "intent"}}
ONE = {"id": "s1", "type": "triage", "args": {"text": "Where is my card?"}}


def asked_of_fallback(*steps: Any, **rest: Any) -> Story:
    """Of which the first job's output was unsure."""
    story = Story(run_of(*(steps or (ONE,)), **rest), CATALOG_OF_TWO)
    story.advance(done(story.jobs[0], INTENT, 0.69))
    return story


def test_an_unsure_output_has_the_fallback_asked_the_same() -> None:
    story = asked_of_fallback()
    (job,) = story.jobs
    assert (job.id, job.type, job.input) == ("r.s1.0.large", "large", {"text": "Where is my card?"})
    assert (job.of_fallback, job.step_id, job.index) == (True, "s1", 0)
    assert story.events[-1] == "job.fallback"
    assert story.run.state is RunState.RUNNING
    assert (story.run.steps["s1"].fallbacks, story.run.jobs) == (1, 1)
    assert job.claim_within_s == 30


def test_a_fallback_is_asked_for_the_likeliest_values_only_if_it_can_tell_them() -> None:
    step = {**ONE, "top": 3}
    assert [job.top for job in asked_of_fallback(step).jobs] == [3]
    large = CATALOG_OF_TWO.get("large")
    writes = {"head": None, "decoding": Decoding(format="lines", max_tokens=8)}
    large = replace(large, manifest=large.manifest.model_copy(update=writes))
    story = Story(run_of(step), Catalog([*(each for each in CATALOG_OF_TWO if each.name != "large"), large]))
    assert [job.top for job in story.jobs] == [3]
    story.advance(done(story.jobs[0], INTENT, 0.1))
    assert [(job.type, job.top) for job in story.jobs] == [("large", None)]


def test_its_output_takes_the_place_of_the_first() -> None:
    story = asked_of_fallback()
    story.advance(done(story.jobs[0], OTHER, 0.1))
    assert story.results["s1"] == {0: OTHER}
    assert story.run.state is RunState.SUCCEEDED
    assert story.events.count("job.ended") == 1


def test_what_is_asked_of_a_fallback_takes_no_job_from_the_steps_to_come() -> None:
    story = Story(run_of(SORT, {**SORT, "id": "s2", "after": ["s1"]}, limits={"max_jobs": 6}), CATALOG_OF_TWO)
    story.advance(*(done(job, INTENT, 0.1) for job in story.jobs))
    story.advance(*(done(job, OTHER) for job in story.jobs))
    assert [job.id for job in story.jobs] == ["r.s2.0", "r.s2.1", "r.s2.2"]
    story.advance(*(done(job, INTENT, 0.1) for job in story.jobs))
    assert (story.run.state, story.run.steps["s2"].fallbacks) == (RunState.SUCCEEDED, 0)  # none was left for it


@pytest.mark.parametrize("own", [None, 5.0, 90.0])
def test_a_fallback_is_waited_for_no_longer_than_either_manifest_says(own: float | None) -> None:
    large = CATALOG_OF_TWO.get("large")
    limits = large.manifest.limits.model_copy(update={"claim_within_s": own})
    large = replace(large, manifest=large.manifest.model_copy(update={"limits": limits}))
    story = Story(run_of(ONE), Catalog([*(each for each in CATALOG_OF_TWO if each.name != "large"), large]))
    story.advance(done(story.jobs[0], INTENT, 0.1))
    assert story.jobs[0].claim_within_s == (5.0 if own == 5.0 else 30.0)


@pytest.mark.parametrize("kind", [FailureKind.ENGINE, FailureKind.EXPIRED, FailureKind.CANCELLED, FailureKind.DEAD])
def test_where_the_fallback_has_none_the_first_stands(kind: FailureKind) -> None:
    story = asked_of_fallback()
    story.advance(failed(story.jobs[0], kind))
    assert story.results["s1"] == {0: INTENT}
    assert (story.run.state, story.run.steps["s1"].succeeded) == (RunState.SUCCEEDED, 1)


@pytest.mark.parametrize("confidence", [0.7, 1.0, None])
def test_an_output_that_is_sure_enough_or_does_not_say_stands(confidence: float | None) -> None:
    story = Story(run_of(ONE), CATALOG_OF_TWO)
    story.advance(done(story.jobs[0], INTENT, confidence))
    assert (story.run.state, story.jobs) == (RunState.SUCCEEDED, [])


def test_a_type_without_a_fallback_asks_nothing() -> None:
    story = Story(run_of(ONE), CATALOG)
    story.advance(done(story.jobs[0], INTENT, 0.0))
    assert story.run.state is RunState.SUCCEEDED


def test_outcomes_that_are_handed_out_twice_count_once() -> None:
    story = Story(run_of(SORT), CATALOG_OF_TWO)
    first = done(story.jobs[0], INTENT, 0.1)
    story.advance(first, first)
    asked = story.jobs
    assert [job.id for job in asked] == ["r.s1.0.large"]
    assert story.advance(first).jobs == []
    second = done(asked[0], OTHER)
    story.advance(second, second, first)
    progress = story.run.steps["s1"]
    assert (progress.succeeded, progress.fallbacks, story.results["s1"]) == (1, 1, {0: OTHER})


def test_an_outcome_of_the_fallback_that_overtook_the_saving_of_its_release_comes_again() -> None:
    story = Story(run_of(SORT), CATALOG_OF_TWO)
    first, before = done(story.jobs[0], INTENT, 0.1), story.run
    story.advance(first)
    second = done(story.jobs[0], OTHER)
    assert not before.settles(second)
    assert story.run.settles(second)
    change = advance(
        before, [first, second], story.stored, CATALOG_OF_TWO, story.known.get
    )  # both at once, after a crash
    assert [result.output for result in change.results if result.step_id == "s1"] == [OTHER]
    assert change.run.steps["s1"].succeeded == 1


def test_a_run_without_a_job_left_keeps_the_output() -> None:
    story = asked_of_fallback(ONE, limits={"max_jobs": 1})
    assert (story.run.state, story.jobs, story.results["s1"]) == (RunState.SUCCEEDED, [], {0: INTENT})


def test_where_nothing_is_known_of_the_job_any_more_its_output_stands() -> None:
    story = Story(run_of(ONE), CATALOG_OF_TWO)
    job = story.jobs[0]
    story.known.clear()
    story.advance(done(job, INTENT, 0.1))
    assert story.run.state is RunState.SUCCEEDED


def test_an_output_that_was_too_unsure_is_none_of_a_step_that_did_without() -> None:
    story = Story(run_of({**SORT, "join": {"quorum": 2}}, COUNTED), CATALOG_OF_TWO)
    first, *others = story.jobs
    story.advance(done(first, OTHER, 0.69))
    story.advance(*(done(job, INTENT, 0.9) for job in others))
    assert [job.input["items"] for job in story.jobs] == [[None, INTENT, INTENT]]


def test_a_step_that_needs_no_more_cancels_the_fallbacks_jobs_too() -> None:
    story = Story(run_of({**SORT, "join": "any"}, {**ONE, "id": "s2"}), CATALOG_OF_TWO)
    first, second, _, _ = story.jobs
    story.advance(done(first, INTENT, 0.69))
    assert story.advance(done(second, INTENT, 0.9)).cancels == ["r.s1.0.large", "r.s1.2"]


def test_what_a_fallback_is_asked_costs_no_look_at_earlier_results() -> None:
    assert asked_of_fallback(SORT).asked == []


def test_the_record_of_a_step_that_is_done_has_no_bits_of_it() -> None:
    story = asked_of_fallback(ONE, {**ONE, "id": "s2"})
    story.advance(done(story.jobs[0], OTHER))
    assert story.run.steps["s1"].asked == 0


def test_a_run_that_is_taken_up_again_asks_the_fallback_again() -> None:
    story = asked_of_fallback()
    story.advance(done(story.jobs[0], OTHER))
    story.reopen("s1")
    story.advance(done(story.jobs[0], INTENT, 0.1))
    assert [(job.id, job.round) for job in story.jobs] == [("r.s1.0.large", 1)]


@pytest.mark.parametrize("fails", [False, True])
def test_a_planner_may_have_a_fallback(fails: bool) -> None:
    answer = planned({"id": "s1", "type": "triage", "args": {"text": ref("inputs.note")}})
    catalog = with_fallback("planner")
    story = Story(goal_run().model_copy(update={"inputs": {"note": "a text"}}), catalog)
    story.advance(done(story.jobs[0], answer if fails else refused(), 0.1))
    (job,) = story.jobs
    assert (job.type, story.run.planning) == ("large", True)
    story.advance(failed(job) if fails else done(job, answer))
    assert story.run.planning is False
    assert [job.id for job in story.jobs] == ["r.s1.0"]
    assert story.run.steps[PLANNING].succeeded == 1
