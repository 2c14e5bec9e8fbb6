"""The goals of chaos: plans of several shapes, and what the harness holds that each must come to. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.chaos.types import ANSWERS, FLAKY, PICKY, QUICK, SLOW
from coordinator.goals.new_runs import JOB_STEP
from infra.records import NOBODY, Json, Priority, RunState

Outputs = Mapping[tuple[str, int], Json | None]  #: by step and index; None: the job must fail


@dataclass(frozen=True)
class Asked:
    """A goal, and what must come of it."""

    shape: str
    inputs: Json
    jobs: Outputs
    state: RunState
    result: Any  #: of a goal that succeeds
    plan: Json | None = None  #: None: a single job of type `job_type`, whose input `inputs` is
    job_type: str = ""
    deadline_s: float | None = None  #: with it or `claim_within_s`, it may as well fail as expired
    claim_within_s: float | None = None
    enough: int | None = None  #: of step `a`, that joins any or a quorum: so many outputs, in whichever places
    cancel_s: float | None = None  #: after its acceptance the harness cancels it
    switches: Sequence[int] = ()  #: numbers that fail until the harness lets them; it takes the goal up again
    tenant: str = NOBODY
    priority: Priority = Priority.NORMAL

    @property
    def may_expire(self) -> bool:
        return bool(self.deadline_s or self.claim_within_s)


Take = Callable[..., list[int]]  #: takes the next numbers, that no other goal has: as many as said, or as chance has it


def mapped(shape: str, job_type: str, field: str, items: Sequence[Any], outputs: Sequence[Json | None]) -> Asked:
    """One job an item, which is its input's field."""
    plan = {"steps": [map_step("a", job_type, field, "inputs.items", "item")], "result": {"$ref": "a"}}
    state = RunState.FAILED if None in outputs else RunState.SUCCEEDED
    return Asked(shape, {"items": list(items)}, dict(numbered("a", outputs)), state, list(outputs), plan)


def map_step(step: str, job_type: str, field: str, over: str, item: str) -> Json:
    each = {"over": {"$ref": over}, "as": "item"}
    return {"id": step, "type": job_type, "map": each, "args": {field: {"$ref": item}}}


def numbered(step: str, outputs: Sequence[Json | None]) -> Iterator[tuple[tuple[str, int], Json | None]]:
    return (((step, index), output) for index, output in enumerate(outputs))


def answers_of(job_type: str, numbers: Sequence[int]) -> list[Json | None]:
    answers = (ANSWERS[job_type](number) for number in numbers)
    return [None if answer is None else {"n": answer} for answer in answers]


def counted(shape: str, job_type: str, numbers: list[int]) -> Asked:
    return mapped(shape, job_type, "n", numbers, answers_of(job_type, numbers))


def _wide(take: Take) -> Asked:
    return counted("map", QUICK, take())


def _chain(take: Take) -> Asked:
    """A map over the outputs of a map."""
    first = counted("two stages", QUICK, take())
    outputs = answers_of(QUICK, [output["n"] for output in first.result])
    steps = [map_step("a", QUICK, "n", "inputs.items", "item"), map_step("b", QUICK, "n", "a", "item.n")]
    jobs = {**first.jobs, **dict(numbered("b", outputs))}
    return replace(first, jobs=jobs, result=outputs, plan={"steps": steps, "result": {"$ref": "b"}})


def _flaky(take: Take) -> Asked:
    return counted("fails at first", FLAKY, take())


def _failing(take: Take) -> Asked:
    """Five numbers in a row: one of them fails, and the goal with it."""
    return counted("fails", PICKY, take(5))


def _skipping(take: Take) -> Asked:
    return _sparing(counted("skips what fails", PICKY, take()), "skip", None)


def _replacing(take: Take) -> Asked:
    default = {"n": -1}
    return _sparing(counted("default for what fails", PICKY, take()), {"default": default}, default)


def _sparing(asked: Asked, on_failure: Any, output: Json | None) -> Asked:
    """It succeeds though some of its jobs fail: they have `output`."""
    assert asked.plan
    plan = {**asked.plan, "steps": [{**asked.plan["steps"][0], "on_failure": on_failure}]}
    return replace(asked, plan=plan, state=RunState.SUCCEEDED, result=[each or output for each in asked.result])


def _slow(take: Take) -> Asked:
    return counted("longer than a lease", SLOW, take(6))


def _single(take: Take) -> Asked:
    numbers = take(1)
    [output] = answers_of(QUICK, numbers)
    return Asked("one job", {"n": numbers[0]}, {(JOB_STEP, 0): output}, RunState.SUCCEEDED, output, None, QUICK)


#: Those that are let alone, and how often chance takes each.
PLAIN = {
    _wide: 4, _chain: 4, _flaky: 2, _failing: 1, _skipping: 1, _replacing: 1, _slow: 4, _single: 4,
}  # fmt: skip
