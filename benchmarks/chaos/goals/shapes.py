"""Shapes of goals that ask the same, come too late, are cancelled or taken up again, or need only some outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchmarks.chaos.goals.goals import Asked, Take, answers_of, counted, map_step, numbered
from benchmarks.chaos.goals.types import EVERY, KEPT, LATE, LATER, PICKY, QUICK, SAME, SLOW
from infra.records import RunState

ALIKE = 3  #: how many items are equal


def _asks_the_same(take: Take) -> Asked:
    return counted("asks the same", SAME, ALIKE * take())


def _asks_again(take: Take) -> Asked:
    """The second step asks the same as the first, and gets the kept answers."""
    first = counted("asks again", KEPT, take())
    steps = [_step("a", KEPT), {**_step("b", KEPT), "after": ["a"]}]
    jobs = {**first.jobs, **dict(numbered("b", first.result))}
    return replace(first, jobs=jobs, plan={"steps": steps, "result": {"$ref": "b"}})


def _too_late(take: Take) -> Asked:
    numbers = take()
    return replace(counted("too late", LATE, ALIKE * numbers), deadline_s=_tenths(numbers, 3, 30))


def _not_taken_in_time(take: Take) -> Asked:
    numbers = take()
    return replace(counted("not taken in time", LATE, ALIKE * numbers), claim_within_s=_tenths(numbers, 3, 20))


def _cancelled(take: Take) -> Asked:
    """A goal that is cancelled in the middle: its slow jobs take longer than the harness waits."""
    return _with_slow(counted("cancelled", QUICK, numbers := take()), take, numbers)


def _cancelled_alike(take: Take) -> Asked:
    return _with_slow(counted("cancelled, asks the same", SAME, ALIKE * (numbers := take())), take, numbers)


def _with_slow(asked: Asked, take: Take, numbers: list[int]) -> Asked:
    assert asked.plan
    slow = take(4)
    steps = [*asked.plan["steps"], map_step("b", SLOW, "n", "inputs.slow", "item")]
    return replace(
        asked,
        inputs={**asked.inputs, "slow": slow},
        jobs={**asked.jobs, **dict(numbered("b", answers_of(SLOW, slow)))},
        plan={**asked.plan, "steps": steps},
        cancel_s=_tenths(numbers, 0, 20),
    )


def _taken_up(take: Take) -> Asked:
    """A goal that fails until its numbers are released; outputs that it has by then are kept."""
    numbers = take(EVERY) + take()
    return replace(
        counted("taken up again", LATER, numbers), switches=[number for number in numbers if number % EVERY == 0]
    )


def _any(take: Take) -> Asked:
    return _joined(counted("any", QUICK, take()), "any", 1)


def _quorum(take: Take) -> Asked:
    return _half(counted("quorum", PICKY, take()))


def _quorum_alike(take: Take) -> Asked:
    return _half(counted("quorum, asks the same", SAME, ALIKE * take()))


def _half(asked: Asked) -> Asked:
    enough = len(asked.jobs) // 2
    return _joined(asked, {"quorum": enough}, enough)


def _joined(asked: Asked, join: Any, enough: int) -> Asked:
    """A goal with a step behind the join, so that the step's other jobs are cancelled while the goal goes on."""
    assert asked.plan
    items = list(dict.fromkeys(asked.inputs["items"]))
    after = {**map_step("b", QUICK, "n", "inputs.more", "item"), "after": ["a"]}
    steps = [{**asked.plan["steps"][0], "join": join}, after]
    return replace(
        asked,
        inputs={**asked.inputs, "more": items},
        jobs={**asked.jobs, **dict(numbered("b", answers_of(QUICK, items)))},
        state=RunState.SUCCEEDED,
        plan={**asked.plan, "steps": steps},
        enough=enough,
    )


def _step(step: str, job_type: str) -> dict[str, Any]:
    return map_step(step, job_type, "n", "inputs.items", "item")


def _tenths(numbers: list[int], least: int, most: int) -> float:
    """A number of seconds from `least` to `most` tenths."""
    return (least + numbers[0] % (most - least)) / 10


#: The weight of each shape in the mix.
TROUBLED = {
    _asks_the_same: 2, _asks_again: 1, _too_late: 2, _not_taken_in_time: 1, _cancelled: 1, _cancelled_alike: 1,
    _taken_up: 2, _any: 1, _quorum: 1, _quorum_alike: 1,
}  # fmt: skip
