"""The goals of chaos: plans of several shapes, each with the result that the harness computed for it. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.chaos.goals.types import ANSWERS, FLAKY, PICKY, QUICK, SLOW
from coordinator.goals.new_runs import JOB_STEP
from infra.records import NOBODY, Json, Priority, RunState

Outputs = Mapping[tuple[str, int], Json | None]  #: (step, index) -> output; None if the job must fail


@dataclass(frozen=True)
class Asked:
    """A goal, and the outcome that it must have."""

    shape: str
    inputs: Json
    jobs: Outputs
    state: RunState
    result: Any  #: the result if it succeeds
    plan: Json | None = None  #: None for a single job of type `job_type`, whose input is `inputs`
    job_type: str = ""
    deadline_s: float | None = None  #: with this or `claim_within_s`, the goal may also fail as expired
    claim_within_s: float | None = None
    enough: int | None = None  #: the outputs that step `a` needs, in any places, if it joins any or a quorum
    cancel_s: float | None = None  #: the harness cancels the goal this long after its acceptance
    #: Numbers that fail until the harness releases them, after which it takes the goal up again.
    switches: Sequence[int] = ()
    tenant: str = NOBODY
    priority: Priority = Priority.NORMAL

    @property
    def may_expire(self) -> bool:
        return bool(self.deadline_s or self.claim_within_s)


#: Takes the next numbers, which no other goal has: as many as its argument says, or a random count.
Take = Callable[..., list[int]]


def mapped(shape: str, job_type: str, field: str, items: Sequence[Any], outputs: Sequence[Json | None]) -> Asked:
    """A goal with one job for each item; the item is a field of the job's input."""
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
    """A goal that maps over the outputs of a map."""
    first = counted("two stages", QUICK, take())
    outputs = answers_of(QUICK, [output["n"] for output in first.result])
    steps = [map_step("a", QUICK, "n", "inputs.items", "item"), map_step("b", QUICK, "n", "a", "item.n")]
    jobs = {**first.jobs, **dict(numbered("b", outputs))}
    return replace(first, jobs=jobs, result=outputs, plan={"steps": steps, "result": {"$ref": "b"}})


def _flaky(take: Take) -> Asked:
    return counted("fails at first", FLAKY, take())


def _failing(take: Take) -> Asked:
    """Among five numbers in a row one fails, and the goal fails with it."""
    return counted("fails", PICKY, take(5))


def _skipping(take: Take) -> Asked:
    return _sparing(counted("skips what fails", PICKY, take()), "skip", None)


def _replacing(take: Take) -> Asked:
    default = {"n": -1}
    return _sparing(counted("default for what fails", PICKY, take()), {"default": default}, default)


def _sparing(asked: Asked, on_failure: Any, output: Json | None) -> Asked:
    """The goal succeeds though some of its jobs fail; `output` stands in their places."""
    assert asked.plan
    plan = {**asked.plan, "steps": [{**asked.plan["steps"][0], "on_failure": on_failure}]}
    return replace(asked, plan=plan, state=RunState.SUCCEEDED, result=[each or output for each in asked.result])


def _slow(take: Take) -> Asked:
    return counted("longer than a lease", SLOW, take(6))


def _single(take: Take) -> Asked:
    numbers = take(1)
    [output] = answers_of(QUICK, numbers)
    return Asked("one job", {"n": numbers[0]}, {(JOB_STEP, 0): output}, RunState.SUCCEEDED, output, None, QUICK)


#: The shapes that run undisturbed, and the weight of each in the mix.
PLAIN = {
    _wide: 4, _chain: 4, _flaky: 2, _failing: 1, _skipping: 1, _replacing: 1, _slow: 4, _single: 4,
}  # fmt: skip
