"""A given: one input of the goal, with its schema and a sample of it. Knows no job type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specialists.planning.offers.field import Field, fields_of, kind_of
from specialists.planning.offers.names import spoken
from specialists.schemas import Json


@dataclass(frozen=True)
class Given:
    """One input of the goal."""

    name: str
    kind: str
    sample: Any
    items: str | None = None  #: the kind of a list's elements; None if it is no list
    fields: tuple[Field, ...] = ()  #: the fields of the value, or of each element of a list
    schema: Json = field(default_factory=dict, compare=False, repr=False)

    @property
    def seen(self) -> list[Any]:
        """The values that the sample shows: the elements of a list, or the one value."""
        if self.kind == "array":
            return list(self.sample) if isinstance(self.sample, list) else []
        return [] if self.sample is None else [self.sample]

    def seen_at(self, path: str) -> list[Any]:
        """The parts at `path` of the values that the sample shows; a list on the way stands for its elements."""
        found = self.seen
        for name in path.split("."):
            found = [value[name] for value in _elements(found) if isinstance(value, dict) and name in value]
        return found

    @property
    def item_schema(self) -> Json:
        """The schema of a list's elements, or of the value if it is no list."""
        items = self.schema.get("items", {}) if self.kind == "array" else self.schema
        return items if isinstance(items, dict) else {}

    @property
    def words(self) -> str:
        held = ", ".join(spoken(field.path) for field in self.fields if field.path and "." not in field.path)
        return spoken(self.name) + (f" ({held})" if held else "")


def read_given(name: str, schema: Mapping[str, Any], sample: Any) -> Given:
    kind = kind_of(schema)
    if kind != "array":
        return Given(name, kind, sample, fields=tuple(fields_of(schema)), schema=dict(schema))
    items = schema.get("items", {})
    return Given(name, kind, sample, kind_of(items), tuple(fields_of(items)), dict(schema))


def _elements(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _elements(value) if isinstance(value, list) else (value,)
