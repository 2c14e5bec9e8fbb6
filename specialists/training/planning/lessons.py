"""Lessons: cases as tokens, in batches of like lengths, with what each head should say. Knows no tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple, Protocol

from specialists.training.planning.examples import Case

#: Tokens that are read of a prefix and of a branch.
PREFIX_TOKENS, BRANCH_TOKENS = 88, 56
#: Lessons that are sorted by length together: batches are of like lengths, and differ from epoch to epoch.
POOL = 256


class Tokens(Protocol):
    def tokens(self, texts: Sequence[str], most: int) -> list[list[int]]: ...


class Lesson(NamedTuple):
    """A case as tokens."""

    case: Case
    prefix: list[int]
    branches: list[list[int]]

    @property
    def length(self) -> int:
        return len(self.prefix) + sum(map(len, self.branches))


def lessons(cases: Iterable[Case], texts: Tokens) -> Iterator[Lesson]:
    for case in cases:
        [prefix] = texts.tokens([case.prefix], PREFIX_TOKENS)
        branches = texts.tokens([branch.text for branch in case.branches], BRANCH_TOKENS) if case.branches else []
        yield Lesson(case, prefix, branches)


def batches(lessons: Iterable[Lesson], most: int, draw: Random) -> Iterator[list[Lesson]]:
    """In random order, each of at most `most` tokens with their padding, unless one lesson alone has more."""
    shuffled = list(lessons)
    draw.shuffle(shuffled)
    found: list[list[Lesson]] = []
    for start in range(0, len(shuffled), POOL):
        batch: list[Lesson] = []
        for lesson in sorted(shuffled[start : start + POOL], key=lambda each: each.length):
            if batch and (len(batch) + 1) * lesson.length > most:
                found.append(batch)
                batch = []
            batch.append(lesson)
        found.append(batch)
    draw.shuffle(found)
    yield from found


def labels(batch: Sequence[Lesson]) -> dict[str, list[list[float]]]:
    """Task -> what its head should say, in the order of `specialists.heads.encoder.lay`: (N, outs)."""
    found: dict[str, list[list[float]]] = {}
    for lesson in batch:
        if lesson.case.wants is not None:
            found.setdefault("wants", []).append([float(each) for each in lesson.case.wants])
        for branch in lesson.case.branches:
            found.setdefault(branch.task, []).append([float(branch.right)])
    return found


def answers(
    batch: Sequence[Lesson], numbers: Mapping[str, list[list[float]]]
) -> Iterator[tuple[str, list[tuple[float, bool]]]]:
    """For each case and head: what it says and what it should say."""
    left = {task: iter(each) for task, each in numbers.items()}
    for lesson in batch:
        if lesson.case.wants is not None:
            yield "wants", list(zip(next(left["wants"]), lesson.case.wants, strict=True))
        said: dict[str, list[tuple[float, bool]]] = {}
        for branch in lesson.case.branches:
            said.setdefault(branch.task, []).append((next(left[branch.task])[0], branch.right))
        yield from said.items()
