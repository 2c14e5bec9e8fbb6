"""A parameter of a job type, and whether values that are seen, or all values of a schema, fit it. Knows no goal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specialists.planning.offers.field import kind_of
from specialists.planning.offers.names import spoken
from specialists.schemas import Json, misfit, value_faults

SEEN_CHARACTERS = 150  #: a sample cuts texts to this length; a shorter text is whole


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
        """Whether values of `schema` fit the parameter, as far as both schemas say."""
        return misfit(dict(schema), self.schema) is None

    def holds(self, values: Iterable[Any]) -> bool:
        """Whether sample values fit the parameter; of a long text or list, a sample has only the beginning."""
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
    """Yield a seen value, or each element of a list, with its schema; a list may go on behind the seen elements."""
    if isinstance(value, list) and value and kind_of(schema) == "array":
        for element in value:
            yield from _parts(element, schema.get("items", {}))
    else:
        yield value, schema


def _is_cut(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= SEEN_CHARACTERS
