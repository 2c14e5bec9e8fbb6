"""Replaying: does a stored job's input again, and compares the output with the stored one. Stores nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from difflib import unified_diff
from itertools import cycle, islice

from infra.records import Job, JobStatus, Json, Provenance
from specialists.examples import EXAMPLES, read_examples
from specialists.specialist import AnswerError, Specialist
from workers.attempt import OVERDUE_S, provenance_of
from workers.engines import Completion, Engine, EngineError, Finish
from workers.requests import request_for

DIFF_LINES = 40  #: lines that are shown of a difference
SHORT = 12  #: hexadecimal digits of a digest that are shown

#: The fields of `Provenance` that may explain another output, in words.
CIRCUMSTANCES = {
    "digest": "digest",
    "engine": "engine",
    "engine_version": "engine's version",
    "precision": "precision",
    "base": "base",
    "seed": "seed",
}


class ReplayError(Exception):
    """The job cannot be replayed; the message says why and what to do."""


@dataclass(frozen=True)
class Stored:
    """A job that has an output, and what made it."""

    job: Job
    output: Json
    made_by: Provenance


@dataclass(frozen=True)
class Replay:
    job_id: str
    specialist: str  #: "<name>@<version>" of the specialist here
    engine: str
    times: int
    beside: int  #: how many other requests were in the batch each time
    differing: int  #: how many of `times` gave another output, or none
    difference: list[str]  #: the lines of a diff for the first of these
    changes: list[str]  #: what is not as it was when the output was made

    @property
    def same(self) -> bool:
        return not self.differing


def stored(job_id: str, status: JobStatus | None) -> Stored:
    """The stored job to compare with. Raises ReplayError if there is none."""
    if status is None:
        raise ReplayError(f"no job {job_id!r} is known; is the id whole, and has its retention not passed?")
    outcome = status.outcome
    if outcome is None:
        raise ReplayError(f"job {job_id!r} is {status.state}: it has no output yet")
    if outcome.output is None:
        kind = f" ({outcome.failure.kind})" if outcome.failure else ""
        raise ReplayError(f"job {job_id!r} is {outcome.state}{kind}: there is no output to compare with")
    if outcome.provenance is None:
        raise ReplayError(f"the outcome of job {job_id!r} does not say what made it")
    return Stored(status.job, outcome.output, outcome.provenance)


def check_digest(stored: Stored, specialist: Specialist) -> None:
    """Raise ReplayError if the specialist here is not the one that made the output."""
    then, now = stored.made_by, specialist
    if then.digest != now.digest:
        raise ReplayError(
            f"job {stored.job.id!r} was done by {then.specialist} of digest {then.digest[:SHORT]}; here is "
            f"{now.name}@{now.manifest.version} of digest {now.digest[:SHORT]}: put its folder back as it was, "
            "or compare --anyway"
        )


def neighbours(specialist: Specialist, input: Json, count: int) -> list[Json]:
    """`count` other inputs from the specialist's examples, repeated if there are fewer. Raises ReplayError."""
    if count == 0:
        return []
    path = specialist.folder / EXAMPLES
    if not path.exists():
        raise ReplayError(f"specialist {specialist.name!r} has no {EXAMPLES} to take other requests from")
    others = [example.input for example in read_examples(path) if example.input != input]
    if not others:
        raise ReplayError(f"specialist {specialist.name!r} has no example but this job's own input")
    return list(islice(cycle(others), count))


def replay(
    stored: Stored, specialist: Specialist, engine: Engine, times: int = 1, beside: Sequence[Json] = ()
) -> Replay:
    """Do the job `times` times, each time together with `beside`, and each time at another place among these.

    Raises ReplayError or EngineError if nothing can be said of its output.
    """
    answers = [_answer(stored.job, specialist, engine, beside, turn) for turn in range(times)]
    expected = _written(stored.output)
    others = [answer for answer in answers if answer != expected]
    return Replay(
        job_id=stored.job.id,
        specialist=f"{specialist.name}@{specialist.manifest.version}",
        engine=engine.name,
        times=times,
        beside=len(beside),
        differing=len(others),
        difference=_difference(expected, others[0]) if others else [],
        changes=_changes(stored.made_by, provenance_of(specialist, engine, stored.made_by.worker)),
    )


def _answer(job: Job, specialist: Specialist, engine: Engine, beside: Sequence[Json], turn: int) -> str:
    """The output as text, or why there is none."""
    place, deadline = turn % (len(beside) + 1), time.monotonic() + job.timeout_s
    inputs = [*beside[:place], job.input, *beside[place:]]
    requests = [
        request_for(specialist, input, f"{job.id}/{turn}/{number}", deadline) for number, input in enumerate(inputs)
    ]
    futures = [engine.submit(request) for request in requests]
    wait(futures, job.timeout_s + OVERDUE_S)
    for request, future in zip(requests, futures, strict=True):
        if not future.done():
            engine.cancel(request.id)
    try:
        return _written(_read(specialist, futures[place], job))
    except AnswerError as error:
        return f"no output: {error}"


def _read(specialist: Specialist, future: Future[Completion], job: Job) -> Json:
    """Raises AnswerError if every try would end like this one, and otherwise ReplayError or EngineError."""
    if not future.done():
        raise ReplayError(f"no answer within {job.timeout_s:g} s, which is the job's time-out")
    try:
        completion = future.result()
    except EngineError as error:
        if error.retryable:
            raise
        raise AnswerError(str(error)) from error
    match completion.finish:
        case Finish.STOP:
            return specialist.parse(completion.text, job.input)
        case Finish.LENGTH:
            raise AnswerError(f"the answer was not whole after {completion.tokens_out} tokens")
    raise ReplayError(f"no answer: the request ended by {completion.finish} ({job.timeout_s:g} s are its time-out)")


def _written(output: Json) -> str:
    """A text that is the same for equal outputs. `1`, `1.0` and `true` are equal in Python, but not here."""
    return json.dumps(output, indent=2, ensure_ascii=False, sort_keys=True)


def _difference(expected: str, answer: str) -> list[str]:
    lines = list(unified_diff(expected.splitlines(), answer.splitlines(), "stored", "replayed", "", "", 1, ""))
    left = len(lines) - DIFF_LINES
    return [*lines[:DIFF_LINES], *([f"… {left} lines more"] if left > 0 else [])]


def _changes(then: Provenance, now: Provenance) -> list[str]:
    pairs = [(words, getattr(then, field), getattr(now, field)) for field, words in CIRCUMSTANCES.items()]
    return [
        f"its {words} was {was or 'not told'}, here it is {here or 'none'}" for words, was, here in pairs if was != here
    ]
