"""Conditions: the conditions that a goal may select items by, and the evidence for each. Weighs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from specialists.planning.evidence.logistic import Evidence, behind_best
from specialists.planning.evidence.owners import evidence_of, labels_heard
from specialists.planning.offers.field import Field
from specialists.planning.offers.request import Heard
from specialists.planning.parts.beliefs import INPUTS, NUMBERS, TYPES_AT_MOST, Condition
from specialists.planning.reading.fields import Fields
from specialists.planning.reading.goal_words import GoalWords
from specialists.planning.words import texts

SPANS = 5  #: how many spans of the goal are tried as a text value
LONG_TEXT = 400  #: characters; a field that may hold more is not compared as a whole

Asked = tuple[str, Condition, float]  #: the text for the scorer, the condition, how near the goal's words are


class Conditions:
    def __init__(self, words: GoalWords, fields: Fields, heard: Sequence[Heard]) -> None:
        self._words = words
        self._fields = fields
        self._heard = heard

    def asked(self) -> Iterator[Asked]:
        for owner, fields in self._fields.by_owner(TYPES_AT_MOST):
            for field in fields:
                for operator, value, words, near in self._values(owner, field):
                    condition = Condition(owner, field, operator, value, 0.0, words)
                    yield texts.condition(field, operator, value), condition, near

    def found(self, asked: Sequence[Asked], own: Mapping[str, float]) -> list[tuple[Condition, Evidence]]:
        """`own`: the scorer's number for each text."""
        numbers = [own[text] for text, _, _ in asked]
        best = max((near for _, _, near in asked), default=0.0)
        return [
            (condition, self._evidence(condition, x, behind, near, best))
            for (_, condition, near), x, behind in zip(asked, numbers, behind_best(numbers), strict=True)
        ]

    def _evidence(self, condition: Condition, own: float, behind: float, near: float, best: float) -> Evidence:
        field, has_labels = condition.field, bool(condition.field.labels)
        return {
            "own": own,
            "behind": behind,
            "near": 10 * near,
            "near_behind": 10 * (near - best) if has_labels else 0.0,
            "said": float(has_labels and self._words.says(condition.value)),
            "input": float(condition.owner.startswith(INPUTS)),
            "labels": float(has_labels),
            "boolean": float(field.kind == "boolean"),
            "number": float(field.kind in NUMBERS),
            "compared": float(condition.operator not in ("equals", "contains", "any_of")),
            "named": float(self._words.says(field.words)),
            "owner": self._fields.owner_number(condition.owner),
            **evidence_of(self._heard, condition.owner, field, condition.value),
        }

    def _values(self, owner: str, field: Field) -> Iterator[tuple[str, Any, str, float]]:
        """Yield each way to select by a field: operator, value, the goal's words for it, and how near they are."""
        if field.labels:
            said = {label: each.words for label, each in labels_heard(self._heard, owner, field)}
            yield from (("equals", label, words, near) for label, words, near in self._words.nearest(field, said))
        elif field.kind == "boolean":
            yield "equals", True, "", 0.0
            yield "equals", False, "", 0.0
        elif field.kind in NUMBERS:
            for each in self._words.numbers:
                yield (each.operator or "equals"), each.value, each.words, 0.0
        elif field.kind in ("string", "any") and (field.bounded is None or field.bounded <= LONG_TEXT):
            for words in self._words.spans[:SPANS]:
                yield "equals", words, words, 0.0
            for day, operator in self._words.dates:
                yield (operator or "equals"), day, day, 0.0
