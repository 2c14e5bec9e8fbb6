"""Lessons: cases as tokens, in batches, with the right answer for each branch. Knows no tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple, Protocol

from specialists.training.planning.cases.examples import Branch, Case


class Tokens(Protocol):
    def tokens(self, texts: Sequence[str]) -> list[list[int]]: ...


class Batch(NamedTuple):
    """Cases, and the tokens of every text in them, each text once."""

    cases: Sequence[Case]
    places: dict[str, int]  #: text -> its index in `tokens`
    tokens: list[list[int]]

    @property
    def length(self) -> int:
        return sum(map(len, self.tokens))


def batches(cases: Iterable[Case], most: int, draw: Random) -> Iterator[list[Case]]:
    """Yield batches in random order, each of at most `most` characters unless one case alone has more."""
    shuffled = [case for case in cases if case.branches]
    draw.shuffle(shuffled)
    batch: list[Case] = []
    length = 0
    for case in shuffled:
        size = len(case.prefix) + sum(len(branch.text) for branch in case.branches)
        if batch and length + size > most:
            yield batch
            batch, length = [], 0
        batch.append(case)
        length += size
    if batch:
        yield batch


def batch_of(cases: Sequence[Case], texts: Tokens) -> Batch:
    every = dict.fromkeys(text for case in cases for text in (case.prefix, *(b.text for b in case.branches)))
    return Batch(cases, {text: place for place, text in enumerate(every)}, texts.tokens(list(every)))


def by_task(case: Case) -> dict[str, list[Branch]]:
    found: dict[str, list[Branch]] = {}
    for branch in case.branches:
        found.setdefault(branch.task, []).append(branch)
    return found
