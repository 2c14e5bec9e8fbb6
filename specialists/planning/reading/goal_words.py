"""The words of one goal: the values that it may state, and the labels that it is nearest to. Knows no plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specialists.planning.offers.field import Field
from specialists.planning.offers.names import spoken
from specialists.planning.reading.reader import Reader
from specialists.planning.words.amounts import dates, numbers
from specialists.planning.words.spans import spans, windows

LABELS = 8  #: how many labels of one field the scorer reads


class GoalWords:
    def __init__(self, reader: Reader, goal: str) -> None:
        self.goal = goal
        self.numbers, self.dates, self.spans = numbers(goal), dates(goal), spans(goal)
        self._reader = reader
        self._pieces = windows(goal)
        self._folded = goal.casefold()

    def says(self, value: Any) -> bool:
        """Whether the goal has the words of a label or a name; upper and lower case make no difference."""
        words = spoken(str(value)).casefold()
        return len(words) > 1 and words in self._folded

    def nearest(self, field: Field, said: Mapping[Any, str] | None = None) -> list[tuple[Any, str, float]]:
        """The labels that are nearest to the goal's words, each with those words and how near they are.

        `said`: labels that the field's owner answered, with the words it was asked about; these are always among the
        result.
        """
        said = said or {}
        found = sorted(self._near(field), key=lambda each: -each[2])
        kept = [*found[:LABELS], *(each for each in found[LABELS:] if each[0] in said)]
        return [(label, said.get(label, words), near) for label, words, near in kept]

    def _near(self, field: Field) -> list[tuple[Any, str, float]]:
        """Compare each label of the field with the goal, alone and behind the field's name; the nearer one counts."""
        names = [f"{field.words} {spoken(label)}" for label in field.labels]
        rows = self._reader.similar([*names, *(spoken(label) for label in field.labels)], self._pieces)
        count, found = len(field.labels), []
        for place, label in enumerate(field.labels):
            row = [max(a, b) for a, b in zip(rows[place], rows[count + place], strict=True)]
            best = max(range(len(row)), key=row.__getitem__)
            found.append((label, self._pieces[best], row[best]))
        return found
