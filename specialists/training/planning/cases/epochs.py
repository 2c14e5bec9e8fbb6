"""Epochs: the cases that one pass over the writing shows to the matcher. Knows no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from specialists.planning.offers.field import Field
from specialists.planning.offers.offer import read_offer
from specialists.training.planning.cases.examples import Case, GoalCases, ask_case, value_case
from specialists.training.planning.writing.naming import BARE, disguised, offer_of
from specialists.training.planning.writing.offers import Offers
from specialists.training.planning.writing.writing import Writing, WrittenType

Row = TypeVar("Row")


@dataclass(frozen=True)
class Shares:
    """How much of the writing one epoch shows."""

    goals: float = 1.0
    asks: int = 4  #: for each job type that a writer made up
    shipped_asks: int = 6  #: from each writer, for each job type that ships
    values: float = 0.4  #: share of the ways to say a label


@dataclass(frozen=True)
class _Said:
    """A way to say a label."""

    field: Field
    label: object
    phrase: str


class Epochs:
    def __init__(self, writing: Writing, offers: Offers, shares: Shares | None = None) -> None:
        """`writing`: the part that may be learnt; `offers`: of the whole writing."""
        self._writing = writing
        self._offers = offers
        self._shares = shares or Shares()
        self._goals = GoalCases(offers, [offer_of(each) for each in writing.types])
        self._said = [*_said_of_types(writing), *_said_of_shipped(writing, offers)]

    def epoch(self, draw: Random) -> list[Case]:
        """Draw the cases of one epoch, not shuffled."""
        return [*self._of_goals(draw), *self._of_asks(draw), *self._of_values(draw)]

    def _of_goals(self, draw: Random) -> Iterator[Case]:
        for goal in _some(self._writing.goals, self._shares.goals, draw):
            yield from self._goals.drawn(goal, draw)

    def _of_asks(self, draw: Random) -> Iterator[Case]:
        for each in self._writing.types:
            for _ in range(self._shares.asks):
                yield _asked(each, self._writing.by_domain[each.domain], draw)
        for row in self._writing.asks:
            right = self._offers.by_name.get(row.type)
            if right is None:
                continue  # a function, which is composed and not chosen
            others = [offer for offer in self._offers.models if offer is not right]
            for ask in draw.sample(row.asks, min(self._shares.shipped_asks, len(row.asks))):
                yield ask_case(ask, right, draw.sample(others, min(3, len(others))), {}, draw)

    def _of_values(self, draw: Random) -> Iterator[Case]:
        for each in _some(self._said, self._shares.values, draw):
            yield value_case(each.field, each.label, each.phrase, draw)


def _asked(written: WrittenType, domain: Sequence[WrittenType], draw: Random) -> Case:
    others = [each for each in domain if each is not written]
    right, *wrong = [
        disguised(each, draw, draw.random() < BARE) for each in [written, *draw.sample(others, min(3, len(others)))]
    ]
    return ask_case(draw.choice(written.asks), right, wrong, draw.choice(written.examples), draw)


def _said_of_types(writing: Writing) -> Iterator[_Said]:
    for each in writing.types:
        for field in read_offer(offer_of(each)).leaves:
            for label in field.labels:
                yield from (_Said(field, label, phrase) for phrase in each.value_words.get(str(label), ()))


def _said_of_shipped(writing: Writing, offers: Offers) -> Iterator[_Said]:
    for value in writing.values:
        fields = read_offer(offers.by_name[value.type]).leaves if value.type in offers.by_name else []
        for field in [each for each in fields if value.label in each.labels][:1]:
            yield from (_Said(field, value.label, phrase) for phrase in value.says)


def _some(rows: Sequence[Row], share: float, draw: Random) -> list[Row]:
    return draw.sample(rows, min(len(rows), round(share * len(rows))))
