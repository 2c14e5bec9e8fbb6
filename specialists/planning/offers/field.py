"""A field: one value that a job type's output, or an item of an input, holds. Read off schemas; knows no values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from specialists.planning.offers.names import spoken
from specialists.schemas import Json


@dataclass(frozen=True)
class Field:
    """One value that a job type's output, or one item of an input, holds."""

    path: str  #: names joined by dots; a list on the way stands for each of its elements; "" is the value itself
    kind: str  #: string, number, integer, boolean, array, object, any
    labels: tuple[Any, ...] = ()  #: the labels of an enum
    about: str = ""  #: its description in the schema
    lists: tuple[str, ...] = ()  #: the paths of the lists on the way to it
    bounded: int | None = None  #: the most characters that a text may have
    schema: Json = field(default_factory=dict, compare=False, repr=False)
    sure: bool = True  #: the schema requires it in every object on the way

    @property
    def words(self) -> str:
        return spoken(self.path.rpartition(".")[2])


def fields_of(
    schema: Mapping[str, Any], path: str = "", lists: tuple[str, ...] = (), sure: bool = True
) -> Iterator[Field]:
    """Yield a field for every path inside values of `schema`, from the outside in; the whole value has the path ""."""
    kind = kind_of(schema)
    if path:
        about, bounded = schema.get("description", ""), schema.get("maxLength")
        yield Field(path, kind, labels_of(schema), about, lists, bounded, dict(schema), sure)
    if kind == "object":
        yield from _inner_fields(schema, path, lists, sure)
    elif kind == "array" and isinstance(schema.get("items"), dict):
        items = schema["items"]
        if kind_of(items) in ("object", "array"):
            yield from _inner_fields(items, path, (*lists, path), sure)


def _inner_fields(schema: Mapping[str, Any], path: str, lists: tuple[str, ...], sure: bool) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, inner in _properties(schema):
        yield from fields_of(inner, f"{path}.{name}" if path else name, lists, sure and name in required)


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Yield the properties whose names can stand in a path."""
    for name, inner in schema.get("properties", {}).items():
        if name and "." not in name and not name.endswith("[]"):
            yield name, inner


def labels_of(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the labels of an enum that a plan may write; an object among them could be read as a reference."""
    return tuple(label for label in schema.get("enum", ()) if isinstance(label, str | int | float))


def kind_of(schema: Mapping[str, Any]) -> str:
    """The schema's one type, or "any"."""
    kind = schema.get("type")
    if isinstance(kind, list):
        real = [each for each in kind if each != "null"]
        kind = real[0] if len(real) == 1 else None
    if kind is None and schema.get("enum"):
        names = {bool: "boolean", int: "integer", float: "number", str: "string"}
        kinds = {names.get(type(value), "any") for value in schema["enum"]}
        kind = kinds.pop() if len(kinds) == 1 else None
    return kind if isinstance(kind, str) else "any"
