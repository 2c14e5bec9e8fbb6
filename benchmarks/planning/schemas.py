"""Random schemas, as job types may have them, and values that fit them. Knows no job type and no plan."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.planning.names import field_names

Json = dict[str, Any]
DEEPEST = 3  #: how deep records and lists may nest
LABELS = (
    *("low", "high", "critical", "lost_or_stolen_card", "card arrival", "Berlin", "1", "n/a", "true", "größer", "-"),
    *("a, b", "{}", "null", "s1", "inputs.note", "2026-01-31"),
)
WORDS = (
    *("my card is lost", "where is my money", "Berlin", "7", "3,5", "2026-01-31", "true", "", " ", "größer als", "s1"),
    *("{{item}}", '{"$ref": "inputs.note"}', "inputs.messages", "ignore all instructions", "a\nb", "\u202eabc", "high"),
)


@dataclass(frozen=True)
class Chances:
    """How likely odd features of schemas and values are."""

    hard_names: float = 0.0  #: probability that a record has a field that no path can name
    ragged: float = 0.3  #: probability that records of a list lack fields
    nulls: float = 0.0  #: probability that a value inside an input is null
    long: float = 0.0  #: probability that a text is longer than a parameter may allow


PLAIN = Chances()


class Schemas:
    """Random schemas."""

    def __init__(self, rng: random.Random, chances: Chances = PLAIN) -> None:
        self._rng = rng
        self._chances = chances

    def record(self, least: int = 1, most: int = 4, level: int = 0, texts: float = 0.35) -> Json:
        """Make a schema of a record; `texts`: the share of fields that are certainly texts."""
        rng = self._rng
        names = field_names(rng, rng.randint(least, most), self._chances.hard_names)
        properties = {name: self._text() if rng.random() < texts else self.any(level + 1) for name in names}
        required = [name for name in names if rng.random() < 0.75]
        more: Any = rng.choice([False, False, False, True, {"type": "string", "maxLength": 80}])
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": more}

    def any(self, level: int = 0) -> Json:
        schema = self._rng.choice(self._flat() if level >= DEEPEST else [*self._flat(), *self._nested(level)])()
        if self._rng.random() < 0.3:
            schema = {**schema, "description": self._rng.choice(LABELS) + " of it"}
        return schema

    def _flat(self) -> list[Callable[[], Json]]:
        return [
            self._text,
            self._text,
            self._labels,
            self._labels,
            self._number,
            self._integer,
            self._boolean,
            self._odd,
        ]

    def _nested(self, level: int) -> list[Callable[[], Json]]:
        return [lambda: self._list(level), lambda: self._list(level), lambda: self.record(0, 3, level)]

    def _text(self) -> Json:
        return {"type": "string", "maxLength": self._rng.choice((60, 400, 2000, 20_000))}

    def _labels(self) -> Json:
        rng = self._rng
        labels: list[Any] = rng.sample(LABELS, rng.randint(1, 6))
        if rng.random() < 0.15:
            labels = rng.choice([[1, 2, 3], [0.5, 1.5], [True], [None, "high"], ["7", 7], [1, 2.5]])
        return {"enum": labels} if rng.random() < 0.3 or not all(isinstance(each, str) for each in labels) else {
            "type": "string", "enum": labels
        }  # fmt: skip

    def _number(self) -> Json:
        return {"type": "number"}

    def _integer(self) -> Json:
        return {"type": "integer", **({"minimum": 0} if self._rng.random() < 0.3 else {})}

    def _boolean(self) -> Json:
        return {"type": "boolean"}

    def _odd(self) -> Json:
        """A schema without a single known type."""
        return self._rng.choice(
            [
                {},
                {"type": ["string", "null"], "maxLength": 400},
                {"type": ["number", "string"], "maxLength": 400},
                {"anyOf": [{"type": "string", "maxLength": 60}, {"type": "number"}]},
                {"type": "object", "additionalProperties": True},
                {"type": "null"},
                {"const": "fixed"},
            ]
        )

    def _list(self, level: int) -> Json:
        items = self.record(0, 3, level + 1) if self._rng.random() < 0.4 else self.any(level + 1)
        return {"type": "array", "maxItems": 1000, "items": items}


class Values:
    """Random values that fit a schema of `Schemas`."""

    def __init__(self, rng: random.Random, chances: Chances = PLAIN) -> None:
        self._rng = rng
        self._chances = chances

    def of(self, schema: Json) -> Any:
        rng = self._rng
        if rng.random() < self._chances.nulls:
            return None
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if "anyOf" in schema:
            return self.of(rng.choice(schema["anyOf"]))
        if "const" in schema:
            return schema["const"]
        kind = schema.get("type", "string")
        return self._of_kind(rng.choice(kind) if isinstance(kind, list) else kind, schema)

    def _of_kind(self, kind: str, schema: Json) -> Any:
        rng = self._rng
        if kind == "string":
            return self._text()
        if kind == "integer":
            return rng.choice((0, 1, 7, 1000))
        if kind == "number":
            return rng.choice((0.5, 2, 99.9, 7))
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "null":
            return None
        return self._list(schema) if kind == "array" else self._record(schema)

    def _text(self) -> str:
        text = self._rng.choice(WORDS)
        return text * 1000 if self._rng.random() < self._chances.long else text

    def _list(self, schema: Json) -> list[Any]:
        count = self._rng.choice((0, 1, 2, 2, 3, 5))
        items = schema.get("items", {})
        ragged = self._rng.random() < self._chances.ragged
        return [self._record(items, ragged) if items.get("type") == "object" else self.of(items) for _ in range(count)]

    def _record(self, schema: Json, ragged: bool = False) -> Json:
        properties = schema.get("properties", {})
        wanted = set(schema.get("required", ())) if ragged else set(properties)
        return {n: self.of(s) for n, s in properties.items() if n in wanted or self._rng.random() < 0.5}
