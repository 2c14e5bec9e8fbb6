"""A parameter of a job type, and whether a schema or a value that is seen can be given to it. Knows no goal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specialists.planning.offers.field import kind_of
from specialists.planning.offers.names import spoken
from specialists.schemas import Json, misfit, value_faults

SEEN_CHARACTERS = 150  #: a text of fewer is seen whole


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: str
    required: bool
    labels: tuple[Any, ...] = ()
    about: str = ""
    items: str | None = None  #: the kind of an array's elements
    bounded: int | None = None
    schema: Json = field(default_factory=dict, compare=False, repr=False)

    def takes(self, schema: Mapping[str, Any]) -> bool:
        """Whether values of `schema` can be given to it, as far as both schemas say."""
        return misfit(dict(schema), self.schema) is None

    def holds(self, values: Iterable[Any]) -> bool:
        """Whether values that are seen can be given to it; of a long text or a list only the beginning is seen."""
        return not any(self._refuses(value) for value in values)

    def _refuses(self, value: Any) -> bool:
        for part, schema in _parts(value, self.schema):
            if _is_cut(part):
                labels = schema.get("enum")
                if labels and not any(str(label).startswith(part) for label in labels):
                    return True
                if len(part) > schema.get("maxLength", len(part)):
                    return True
            elif value_faults(part, schema, ""):
                return True
        return False

    @property
    def words(self) -> str:
        return f"{spoken(self.name)}: {self.about}" if self.about else spoken(self.name)


def _parts(value: Any, schema: Json) -> Iterator[tuple[Any, Json]]:
    """A seen value, or the elements of a list, more of which may be there than are seen; each with its schema."""
    if isinstance(value, list) and value and kind_of(schema) == "array":
        for element in value:
            yield from _parts(element, schema.get("items", {}))
    else:
        yield value, schema


def _is_cut(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= SEEN_CHARACTERS
