"""The goals of chaos: plans of several shapes, and what the harness holds that each must come to. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from random import Random
from typing import Any

from benchmarks.chaos_types import ANSWERS, FLAKY, PICKY, QUICK, SLOW
from coordinator.goals import JOB_STEP
from infra.records import Json, RunState

Outputs = Mapping[tuple[str, int], Json | None]  #: by step and index; None: the job must fail

AT_LEAST = 2  #: goals of each shape


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


def goals(jobs: int, chance: Random) -> list[Asked]:
    """Goals of `jobs` jobs or a few more, each shape at least twice, in an order that chance has made."""
    largest = max(10, min(1000, jobs // 10))
    numbers, made = count(1), list[Asked]()

    def add(shape: Callable[[Take], Asked]) -> None:
        size = chance.randint(max(5, largest // 10), largest)
        made.append(shape(lambda n=size: list(islice(numbers, n))))

    for shape in AT_LEAST * SHAPES:
        add(shape)
    while sum(len(asked.jobs) for asked in made) < jobs:
        add(chance.choices(SHAPES, WEIGHTS)[0])
    chance.shuffle(made)
    return made


Take = Callable[..., list[int]]  #: takes the next numbers, that no other goal has: as many as said, or as chance has it


def mapped(shape: str, job_type: str, field: str, items: Sequence[Any], outputs: Sequence[Json | None]) -> Asked:
    """One job an item, which is its input's field."""
    plan = {"steps": [_map("a", job_type, field, "inputs.items", "item")], "result": {"$ref": "a"}}
    state = RunState.FAILED if None in outputs else RunState.SUCCEEDED
    return Asked(shape, {"items": list(items)}, dict(_numbered("a", outputs)), state, list(outputs), plan)


def _map(step: str, job_type: str, field: str, over: str, item: str) -> Json:
    each = {"over": {"$ref": over}, "as": "item"}
    return {"id": step, "type": job_type, "map": each, "args": {field: {"$ref": item}}}


def _numbered(step: str, outputs: Sequence[Json | None]) -> Iterator[tuple[tuple[str, int], Json | None]]:
    return (((step, index), output) for index, output in enumerate(outputs))


def _answers(job_type: str, numbers: Sequence[int]) -> list[Json | None]:
    answers = (ANSWERS[job_type](number) for number in numbers)
    return [None if answer is None else {"n": answer} for answer in answers]


def _counted(shape: str, job_type: str, numbers: list[int]) -> Asked:
    return mapped(shape, job_type, "n", numbers, _answers(job_type, numbers))


def _wide(take: Take) -> Asked:
    return _counted("map", QUICK, take())


def _chain(take: Take) -> Asked:
    """A map over the outputs of a map."""
    first = _counted("two stages", QUICK, take())
    outputs = _answers(QUICK, [output["n"] for output in first.result])
    steps = [_map("a", QUICK, "n", "inputs.items", "item"), _map("b", QUICK, "n", "a", "item.n")]
    jobs = {**first.jobs, **dict(_numbered("b", outputs))}
    return replace(first, jobs=jobs, result=outputs, plan={"steps": steps, "result": {"$ref": "b"}})


def _flaky(take: Take) -> Asked:
    return _counted("fails at first", FLAKY, take())


def _failing(take: Take) -> Asked:
    """Five numbers in a row: one of them fails, and the goal with it."""
    return _counted("fails", PICKY, take(5))


def _skipping(take: Take) -> Asked:
    return _sparing(_counted("skips what fails", PICKY, take()), "skip", None)


def _replacing(take: Take) -> Asked:
    default = {"n": -1}
    return _sparing(_counted("default for what fails", PICKY, take()), {"default": default}, default)


def _sparing(asked: Asked, on_failure: Any, output: Json | None) -> Asked:
    """It succeeds though some of its jobs fail: they have `output`."""
    assert asked.plan
    plan = {**asked.plan, "steps": [{**asked.plan["steps"][0], "on_failure": on_failure}]}
    return replace(asked, plan=plan, state=RunState.SUCCEEDED, result=[each or output for each in asked.result])


def _slow(take: Take) -> Asked:
    return _counted("longer than a lease", SLOW, take(6))


def _single(take: Take) -> Asked:
    numbers = take(1)
    [output] = _answers(QUICK, numbers)
    return Asked("one job", {"n": numbers[0]}, {(JOB_STEP, 0): output}, RunState.SUCCEEDED, output, None, QUICK)


SHAPES = [_wide, _chain, _flaky, _failing, _skipping, _replacing, _slow, _single]
WEIGHTS = [4, 4, 2, 1, 1, 1, 4, 4]
