"""Literals: the values that a goal itself may give to parameters, and the evidence for each. Weighs no literal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specialists.planning.evidence.found import Source
from specialists.planning.evidence.logistic import Evidence, Weights, number
from specialists.planning.offers.field import Field
from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.parts.beliefs import NUMBERS
from specialists.planning.reading.conditions import SPANS
from specialists.planning.reading.goal_words import GoalWords
from specialists.planning.reading.reader import Reader
from specialists.planning.words import texts
from specialists.planning.words.spans import around, passages, phrases

PHRASES, PASSAGES = 16, 3  #: how many phrases and passages of the goal are tried as a text value
BOUND = 0.9  #: if a source is this likely, the goal's texts are not tried
UNBOUND = 0.5  #: the goal's passages are tried for a required text only if its likeliest source is below this


class Asked(NamedTuple):
    text: str  #: the text for the scorer
    offer: Offer
    parameter: Parameter
    value: Any
    bound: float  #: the probability of the parameter's likeliest source

    @property
    def key(self) -> tuple[str, str]:
        return self.offer.name, self.parameter.name


class Literals:
    def __init__(self, reader: Reader, words: GoalWords) -> None:
        self._reader = reader
        self._words = words

    def asked(
        self, likely: Sequence[Offer], binds: Mapping[Source, Evidence], models: Mapping[str, Weights]
    ) -> Iterator[Asked]:
        for offer in likely:
            for parameter in offer.parameters:
                own = (each for (name, of, _), each in binds.items() if (name, of) == (offer.name, parameter.name))
                bound = max((number(models, "bind", each, p=True) for each in own), default=0.0)
                for value in dict.fromkeys(self._values(parameter, bound)):
                    yield Asked(texts.literal(parameter, value), offer, parameter, value, bound)

    def found(self, asked: Sequence[Asked], own: Mapping[str, float]) -> list[tuple[tuple[str, str], Any, Evidence]]:
        """Return ((job type, parameter), value, evidence) for each value. `own`: the scorer's number for each text."""
        if not asked:
            return []
        columns = {text: place for place, text in enumerate(dict.fromkeys(each.parameter.words for each in asked))}
        beside = [around(self._words.goal, str(each.value)) or str(each.value) for each in asked]
        kin = self._reader.similar([spoken(str(each.value)) for each in asked], list(columns))
        near = self._reader.similar(beside, list(columns))
        best: dict[tuple[str, str], float] = {}
        for each in asked:
            best[each.key] = max(best.get(each.key, own[each.text]), own[each.text])
        found = []
        for each, kins, nears in zip(asked, kin, near, strict=True):
            x, column = own[each.text], columns[each.parameter.words]
            numbers = {"own": x, "behind": x - best[each.key], "kin": 10 * kins[column], "near": 10 * nears[column]}
            found.append((each.key, each.value, {**numbers, **self._evidence(each)}))
        return found

    def _evidence(self, asked: Asked) -> Evidence:
        """The evidence that needs no scorer."""
        parameter, value = asked.parameter, asked.value
        words, is_text = str(value).split(), parameter.kind == "string" and not parameter.labels
        return {
            "said": float(bool(parameter.labels) and self._words.says(value)),
            "required": float(parameter.required),
            "bound": math.log(max(1e-3, 1 - asked.bound)),
            "labels": float(bool(parameter.labels)),
            "boolean": float(parameter.kind == "boolean"),
            "number": float(parameter.kind in NUMBERS),
            "is_text": float(is_text),
            "span": float(is_text and value in self._words.spans),
            "words": math.log(len(words) or 1) if is_text else 0.0,
        }

    def _values(self, parameter: Parameter, bound: float) -> Iterator[Any]:
        if parameter.labels:
            field = Field(parameter.name, parameter.kind, parameter.labels)
            yield from (label for label, _, _ in self._words.nearest(field))
        elif parameter.kind == "boolean":
            yield from (True, False)
        elif parameter.kind in NUMBERS:
            whole = parameter.kind == "integer"
            said = (each.value for each in self._words.numbers)
            yield from dict.fromkeys(n for n in said if not whole or isinstance(n, int))
        elif parameter.kind == "string" and bound < BOUND:
            said_texts = self._texts(parameter, bound)
            yield from (text for text in said_texts if parameter.bounded is None or len(text) <= parameter.bounded)

    def _texts(self, parameter: Parameter, bound: float) -> list[str]:
        said = [*self._words.spans[:SPANS], *(day for day, _ in self._words.dates)]
        if parameter.required or said:
            said += phrases(self._words.goal, PHRASES)
        if parameter.required and bound < UNBOUND:
            said += passages(self._words.goal)[:PASSAGES]
        return said
