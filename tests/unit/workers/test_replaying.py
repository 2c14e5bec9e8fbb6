"""A stored job done again: when its output is the same, how a difference shows, and what cannot be replayed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.records import Failure, FailureKind, Job, JobState, JobStatus, Json, Outcome, Provenance
from specialists.specialist import Specialist, load_specialist
from workers.attempt import provenance_of
from workers.engines import Completion, Engine, EngineError, Finish, Request
from workers.engines.scripted import Answer, ScriptedEngine
from workers.measuring.replaying import Replay, ReplayError, Stored, check_digest, neighbours, replay, stored

MANIFEST = """
engine = "scripted"
[decoding]
format = "lines"
max_tokens = 8
"""
INPUT = {"text": "the job's own words"}
OTHERS = [{"text": "one"}, {"text": "two"}]


@pytest.fixture
def mood(write_specialist: Callable[..., Path]) -> Specialist:
    input, output = {"text": {"type": "string", "maxLength": 100}}, {"mood": {"enum": ["good", "bad"]}}
    examples = [{"input": each, "output": {"mood": "good"}} for each in [INPUT, *OTHERS]]
    files = {"prompt.txt": "{{text}}", "examples.jsonl": "\n".join(map(json.dumps, examples))}
    return load_specialist(write_specialist("mood", MANIFEST, input, output, files))


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    """Closed when the test ends."""
    made: list[Engine] = []
    yield made
    for engine in made:
        engine.close()


@pytest.fixture
def again(mood: Specialist, engines: list[Engine]) -> Callable[..., Replay]:
    """Replays a job that gave `good`; given what is answered now."""

    def again(answer: Answer, timeout_s: float = 60.0, engine: Engine | None = None, **options: Any) -> Replay:
        engines.append(engine or ScriptedEngine({"mood": answer}))
        done = a_stored(provenance_of(mood, engines[-1], "mood-1@there"), timeout_s=timeout_s)
        return replay(done, mood, engines[-1], **options)

    return again


def a_job(**fields: Any) -> Job:
    return Job(id="r1.s1.0", type="mood", input=INPUT, run_id="r1", step_id="s1", **fields)


def a_stored(made_by: Provenance, **fields: Any) -> Stored:
    return Stored(a_job(**fields), {"mood": "good"}, made_by)


def a_status(state: JobState, **outcome: Any) -> JobStatus:
    ended = Outcome(job_id="r1.s1.0", run_id="r1", step_id="s1", index=0, state=state, attempt=1, **outcome)
    return JobStatus(job=a_job(), state=state, attempt=1, worker=None, outcome=ended if state.ended else None)


def raises(error: EngineError) -> Callable[[Request], str]:
    def answer(request: Request) -> str:
        raise error

    return answer


def test_the_same_answer_is_the_same(again: Callable[..., Replay]) -> None:
    found = again("good", times=3)
    assert found.same
    assert (found.times, found.differing, found.difference, found.changes) == (3, 0, [], [])
    assert (found.specialist, found.engine) == ("mood@1.0.0", "scripted")


def test_another_answer_differs_and_is_shown_beside_the_stored_one(again: Callable[..., Replay]) -> None:
    found = again("bad")
    assert not found.same
    assert '-  "mood": "good"' in found.difference
    assert '+  "mood": "bad"' in found.difference


def test_one_other_answer_among_several_is_enough_to_differ(again: Callable[..., Replay]) -> None:
    answers = iter(["good", "bad", "good"])
    found = again(lambda _: next(answers), times=3)
    assert (found.same, found.differing) == (False, 1)


@pytest.mark.parametrize(
    ("answer", "why"),
    [("ugly", "does not parse"), (raises(EngineError("no such prompt", retryable=False)), "no such prompt")],
)
def test_a_job_that_has_no_output_any_more_differs_and_says_why(
    again: Callable[..., Replay], answer: Answer, why: str
) -> None:
    found = again(answer)
    assert not found.same
    assert any(line.startswith("+no output: ") and why in line for line in found.difference)


def test_an_engine_that_broke_says_nothing_of_the_output(again: Callable[..., Replay]) -> None:
    with pytest.raises(EngineError, match="closed"):
        again(raises(EngineError("the engine was closed")))


def test_a_job_that_is_not_done_within_its_time_is_no_difference(again: Callable[..., Replay]) -> None:
    slow = ScriptedEngine({"mood": "good"}, delay_s=600)
    with pytest.raises(ReplayError, match=r"ended by deadline \(0\.05 s are its time-out\)"):
        again("good", timeout_s=0.05, engine=slow)


def test_others_are_asked_together_with_it_and_its_place_among_them_changes(again: Callable[..., Replay]) -> None:
    prompts: list[str] = []

    def answer(request: Request) -> str:
        prompts.append(request.prompt)
        return "good" if request.prompt == INPUT["text"] else "bad"

    found = again(answer, times=3, beside=OTHERS)
    assert (found.same, found.beside) == (True, 2)
    own, one, two = INPUT["text"], "one", "two"
    assert prompts == [own, one, two, one, own, two, one, two, own]


def test_a_long_difference_is_cut_short_and_says_by_how_much(
    again: Callable[..., Replay], mood: Specialist, engines: list[Engine]
) -> None:
    engines.append(ScriptedEngine({"mood": "good"}))
    output: Json = {"mood": [str(number) for number in range(99)]}
    made_by = provenance_of(mood, engines[-1], "mood-1@there")
    found = replay(Stored(a_job(), output, made_by), mood, engines[-1])
    assert len(found.difference) == 41
    assert found.difference[-1].startswith("… ")


def test_numbers_and_truths_that_python_calls_equal_are_told_apart(
    write_specialist: Callable[..., Path], engines: list[Engine]
) -> None:
    manifest = 'engine = "scripted"\n[decoding]\nformat = "json"\nmax_tokens = 8\n'
    text = {"text": {"type": "string", "maxLength": 100}}
    folder = write_specialist("sums", manifest, text, {"sum": {}, "sure": {}}, {"prompt.txt": "{{text}}"})
    sums = load_specialist(folder)
    engines.append(ScriptedEngine({"sums": '{"sum":1,"sure":1}'}))
    made_by = provenance_of(sums, engines[-1], "w")
    assert replay(Stored(a_job(), {"sure": 1, "sum": 1}, made_by), sums, engines[-1]).same
    assert not replay(Stored(a_job(), {"sum": 1, "sure": True}, made_by), sums, engines[-1]).same


def test_what_computes_here_otherwise_than_then_is_noted(mood: Specialist, engines: list[Engine]) -> None:
    class Computing(ScriptedEngine):
        precision = "bf16"

        def _complete(self, request: Request, cancelled: bool) -> Completion:
            return Completion("good", Finish.STOP)

    engines.append(Computing({}))
    made_by = provenance_of(mood, engines[-1], "w").model_copy(update={"precision": "int8"})
    found = replay(a_stored(made_by), mood, engines[-1])
    assert found.same
    assert found.changes == ["its precision was int8, here it is bf16"]


def test_a_specialist_of_another_digest_is_refused_by_both_digests(mood: Specialist, engines: list[Engine]) -> None:
    engines.append(ScriptedEngine({}))
    made_by = provenance_of(mood, engines[-1], "w")
    check_digest(a_stored(made_by), mood)
    other = made_by.model_copy(update={"digest": "0" * 64, "specialist": "mood@0.9.0"})
    with pytest.raises(ReplayError, match=r"done by mood@0\.9\.0 of digest 0{12}; here is mood@1\.0\.0 of digest"):
        check_digest(a_stored(other), mood)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (None, "no job 'r1.s1.0' is known"),
        (a_status(JobState.RUNNING), "is running: it has no output yet"),
        (a_status(JobState.FAILED, failure=Failure(kind=FailureKind.TIMEOUT, message="-")), r"is failed \(timeout\)"),
        (a_status(JobState.SUCCEEDED, output={"mood": "good"}), "does not say what made it"),
    ],
)
def test_a_job_that_has_nothing_to_compare_with_is_refused(status: JobStatus | None, why: str) -> None:
    with pytest.raises(ReplayError, match=why):
        stored("r1.s1.0", status)


def test_neighbours_are_other_examples_over_and_over(mood: Specialist) -> None:
    assert neighbours(mood, INPUT, 3) == [*OTHERS, OTHERS[0]]
    assert neighbours(mood, INPUT, 0) == []


def test_without_another_example_there_are_no_neighbours(mood: Specialist) -> None:
    path = mood.folder / "examples.jsonl"
    path.write_text(path.read_text().splitlines()[0])
    with pytest.raises(ReplayError, match="'mood' has no example but this job's own input"):
        neighbours(mood, INPUT, 1)
    path.unlink()
    with pytest.raises(ReplayError, match=r"'mood' has no examples\.jsonl"):
        neighbours(mood, INPUT, 1)
