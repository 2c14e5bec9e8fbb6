"""What a terminal shows of a plan, its progress, its result."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from rich.console import Console

from coordinator.api.answers.views import job_view
from coordinator.client import Seen
from coordinator.commands.views.following import Following
from coordinator.commands.views.jobs import job_cut, job_fallback
from coordinator.commands.views.plans import choices_text
from coordinator.commands.views.results import failure_view, guessed_lines, result_view
from coordinator.commands.views.values import cell
from coordinator.goals.answered_job import Followed
from infra.records import Job, JobState, JobStatus, Outcome, Usage

Json = dict[str, Any]


def looked(paused: list[str], *unserved: Json) -> Json:
    """A goal as far as somebody who follows it looks at it."""
    return {"paused": paused, "unserved": list(unserved)}


def shown(view: Any) -> str:
    console = Console(width=200, record=True, file=None, quiet=False, force_terminal=False, no_color=True)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def goal_with(result: Any, *types: str) -> Json:
    return {
        "state": "succeeded",
        "result": result,
        "plan": {"steps": [{"id": f"s{n}", "type": t} for n, t in enumerate(types, 1)]},
    }


def test_rows_are_a_table_with_a_column_a_field() -> None:
    text = shown(result_view(goal_with({"rows": [{"value": "hello", "intent": "card_arrival"}]}, "table")))
    assert all(word in text for word in ("value", "intent", "hello", "card_arrival"))


def a_status(job_id: str, state: JobState, job_type: str = "mood", cut: int = 0) -> JobStatus:
    job = Job(id=job_id, type=job_type, input={}, run_id="r1", step_id="job")
    outcome = Outcome(
        job_id=job_id,
        run_id="r1",
        step_id="job",
        index=0,
        state=state,
        attempt=1,
        usage=Usage(cut=cut),
        confidence=0.41,
    )
    return JobStatus(job=job, state=state, attempt=1, worker=None, outcome=outcome)


def a_job_of_which(cut: int) -> Json:
    return job_view(Followed(a_status("r1.job.0", JobState.SUCCEEDED, cut=cut)))


def test_a_job_whose_input_was_not_read_to_its_end_says_so() -> None:
    assert job_cut(a_job_of_which(cut=1_200)) == "cut to fit: the last 1,200 characters were not read"
    assert job_cut(a_job_of_which(cut=0)) is None


def test_the_result_of_several_steps_is_a_table_each() -> None:
    result = {"s1": {"rows": [{"value": "hello"}]}, "s2": {"counts": [{"value": "x", "count": 3}], "total": 3}}
    text = shown(result_view(goal_with(result, "table", "count")))
    assert all(words in text for words in ("s1 table", "s2 count", "total 3"))


def test_any_other_result_is_shown_as_json() -> None:
    assert '"label": "bug"' in shown(result_view(goal_with({"label": "bug"}, "issue")))


def test_a_list_of_pairs_is_one_cell() -> None:
    entities = [{"type": "person", "text": "Anna"}, {"type": "location", "text": "Ulm"}]
    assert cell(entities) == "person Anna, location Ulm"


def test_a_message_is_never_read_as_markup() -> None:
    text = shown(result_view(goal_with({"rows": [{"value": "[red]stop[/red] [/]"}]}, "table")))
    assert "[red]stop[/red] [/]" in text


def test_a_failure_names_the_step_the_item_and_the_reason() -> None:
    failure = {"kind": "engine", "message": "it broke", "step": "s1", "index": 4}
    assert "failed: engine in step s1, item 4: it broke" in shown(failure_view({"state": "failed", "failure": failure}))
    assert shown(failure_view({"state": "cancelled", "failure": None})).strip() == "cancelled"


@pytest.mark.parametrize(
    ("state", "note"),
    [
        (JobState.SUCCEEDED, "mood was too unsure (0.41): large answered"),
        (JobState.FAILED, "mood was too unsure (0.41): large has no answer (failed): the first one stands"),
    ],
)
def test_a_job_that_its_fallback_was_asked_about_says_so(state: JobState, note: str) -> None:
    first, other = a_status("r1.job.0", JobState.SUCCEEDED), a_status("r1.job.0.large", state, "large")
    assert job_fallback(job_view(Followed(first, other))) == note
    assert job_fallback(job_view(Followed(first))) is None


def test_a_refused_goal_says_why() -> None:
    goal = {"state": "refused", "reason": "nothing here translates; nearest: triage", "failure": None}
    assert shown(failure_view(goal)).strip() == "refused: nothing here translates; nearest: triage"


def test_the_plans_of_an_unsure_goal_are_shown_by_number_and_in_words() -> None:
    step = {"id": "s1", "type": "triage", "args": {"text": {"$ref": "item"}}, "map": {}}
    grounded = {"step": "s2", "argument": "equals", "value": "card_arrival", "from": "cards that are late"}
    plans = [
        {"steps": [step], "words": "sorts [each] message", "confidence": 0.52, "grounded": [grounded]},
        {"steps": [step, {**step, "type": "count", "map": {}}], "words": "", "confidence": 0.4, "grounded": []},
    ]
    text = shown(choices_text({"reason": "two job types fit", "plans": plans}))
    assert text.splitlines() == [
        "unsure: two job types fit",
        "1  sorts [each] message (0.52)",
        '    s2 equals = "card_arrival", from "cards that are late"',
        "2  triage for each, then count for each (0.40)",
    ]


def test_following_stops_where_the_run_is_unsure_and_says_at_which_event() -> None:
    events = [Seen("1-0", "run.accepted", {}), Seen("2-0", "run.unsure", {}), Seen("3-0", "run.ended", {})]
    console = Console(width=120, no_color=True, quiet=True)
    assert Following(console, lambda: looked([])).follow(events) == "2-0"
    assert Following(console, lambda: looked([])).follow(events[2:]) is None


def test_following_shows_the_plan_how_it_was_read_and_a_bar_a_step() -> None:
    console = Console(width=120, no_color=True)
    step = {
        "id": "s1",
        "type": "triage",
        "map": {"over": {"$ref": "inputs.messages"}, "as": "item"},
        "args": {"text": {"$ref": "item"}},
    }
    grounded = {"step": "s1", "argument": "equals", "value": "refund", "from": "money back"}
    reading = {"words": "sorts the messages", "confidence": 0.93, "grounded": [grounded]}
    events = [
        Seen("1-0", "plan.accepted", {"plan": {"steps": [step]}, **reading}),
        Seen("2-0", "step.released", {"step": "s1", "type": "triage", "total": 1}),
        Seen("3-0", "job.ended", {"step": "s1", "index": 0, "state": "succeeded"}),
        Seen("4-0", "run.ended", {"state": "succeeded", "failure": None}),
    ]
    with console.capture() as captured:
        Following(console, lambda: looked(["count"])).follow(events)
    text = captured.get()
    assert "is paused" not in text
    assert all(
        words in text for words in ("inputs.messages", "text=item", "sorts the messages (0.93)", "s1 triage", "1/1")
    )
    assert 's1 equals = "refund", from "money back"' in text


def test_following_counts_what_went_to_the_fallback() -> None:
    console = Console(width=120, no_color=True)
    asked_of_fallback = {"step": "s1", "type": "large", "confidence": 0.4}
    with console.capture() as captured:
        Following(console, lambda: looked(["large"])).follow(
            [
                Seen("1-0", "step.released", {"step": "s1", "type": "triage", "total": 3}),
                Seen("2-0", "job.fallback", {**asked_of_fallback, "index": 0}),
                Seen("3-0", "job.fallback", {**asked_of_fallback, "index": 2}),
                Seen("4-0", "job.ended", {"step": "s1", "index": 0, "state": "succeeded"}),
            ]
        )
    assert "s1 triage (2 to large)" in captured.get()
    assert captured.get().count("large is paused; `manyhands resume large` has it go on") == 1
    assert "1/3" in captured.get()


def test_following_tells_when_a_step_waits_for_a_paused_type() -> None:
    console = Console(width=120, no_color=True)
    with console.capture() as captured:
        released = Seen("1-0", "step.released", {"step": "s1", "type": "triage", "total": 1})
        Following(console, lambda: looked(["triage"])).follow([released])
    assert "s1 triage waits: triage is paused; `manyhands resume triage` has it go on" in captured.get()


def test_following_tells_when_no_live_worker_serves_what_a_step_needs() -> None:
    console = Console(width=160, no_color=True)
    released = Seen("1-0", "step.released", {"step": "s1", "type": "triage", "total": 1})
    nobody, others = ({"type": "triage", "version": "1.0.0", "served": served} for served in ([], ["2.0.0"]))
    for unserved, line in [
        (nobody, "s1 triage waits: no live worker serves triage 1.0.0"),
        (others, "serves triage 1.0.0 in the form that is needed; live workers serve 2.0.0"),
    ]:
        with console.capture() as captured:
            Following(console, partial(looked, [], unserved)).follow([released])
        assert line in captured.get()


def test_outputs_of_a_model_that_was_never_trained_are_called_guesses() -> None:
    assert guessed_lines({"steps": {"s1": {"guessed": 2, "total": 3}, "s2": {"guessed": 0, "total": 3}}}) == [
        "step s1: 2 of 3 outputs are guesses, of a model that was never trained"
    ]


def test_following_a_rerun_says_so_and_draws_each_step_once() -> None:
    console = Console(width=120, no_color=True)
    step = {"type": "triage", "total": 2}
    events = [
        Seen("1-0", "step.released", {"step": "s1", **step}),
        Seen("2-0", "step.released", {"step": "s2", **step}),
        Seen("3-0", "job.ended", {"step": "s1", "index": 0, "state": "succeeded"}),
        Seen("4-0", "job.ended", {"step": "s1", "index": 1, "state": "succeeded"}),
        Seen("5-0", "run.ended", {"state": "failed", "failure": None}),
        Seen("6-0", "run.reopened", {"round": 1, "step": "s1", "deadline_ms": 1}),
        Seen("7-0", "step.released", {"step": "s1", **step, "kept": 0}),
        Seen("8-0", "run.ended", {"state": "cancelled", "failure": None}),
        Seen("9-0", "run.reopened", {"round": 2, "step": None, "deadline_ms": 1}),
        Seen("10-0", "step.released", {"step": "s1", **step, "kept": 1}),
    ]
    with console.capture() as captured:
        Following(console, lambda: looked([])).follow(events)
    text = captured.get()
    assert "taken up again from s1\n" in text
    assert "taken up again where outputs are missing\n" in text
    assert (text.count("s1 triage"), text.count("s2 triage"), text.count("1/2")) == (1, 0, 1)
