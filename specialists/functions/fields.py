"""The values at a field of items: `intent`, `entities.type`, `unit price`. Knows no function.

A field is a path with dots between its names, and a list on the way stands for each of its elements. An item that is no
object has one field, `value`, which is the item itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: The one field of an item that is no object, here and in the rows of `table`.
VALUE = "value"
#: How many field names a fault shows, and how many items and levels it searches for them.
SHOWN, LOOKED_AT, DEEP = 12, 100, 4
LONGEST_NAME = 60


def reached(item: Any, field: str) -> Iterator[Any]:
    """Yield the values at `field` unchanged: a list at the end of the path is one value."""
    if not field:
        yield item
    elif isinstance(item, list):
        for element in item:
            yield from reached(element, field)
    elif isinstance(item, dict):
        name, rest = _step(item, field)
        if name in item:
            yield from reached(item[name], rest) if rest else [item[name]]
    elif field == VALUE and item is not None:
        yield item


def values(item: Any, field: str) -> Iterator[Any]:
    """Yield the values at `field`; a list at the end of the path stands for its elements too."""
    for value in reached(item, field):
        yield from _elements(value)


def need_field(items: list[Any], field: str, fault: type[ValueError], where: str = "item") -> None:
    """Raise `fault` if there are items and none can have the field; its message names the fields that they have."""
    told = [item for item in items if item is not None]
    if told and not any(_may_have(item, field) for item in told):
        raise fault(f"no {where} has a field {_cut(field)!r}; known: {', '.join(known_fields(items)) or 'none'}")


def known_fields(items: Iterable[Any]) -> list[str]:
    """The paths of the first items' fields, in the order in which they occur."""
    found: dict[str, None] = {}
    for item, _ in zip(items, range(LOOKED_AT), strict=False):
        found.update(dict.fromkeys(_paths(item, "", DEEP)))
    shown = [_cut(path) for path in found]
    return shown if len(shown) <= SHOWN else [*shown[:SHOWN], "…"]


def add_fields(row: dict[str, Any], fields: Mapping[str, Any], number: int) -> None:
    """Add fields to a row; a field whose name is taken gets the number behind its name, so that no value is lost."""
    for field, value in fields.items():
        name = field
        while name in row:
            name = f"{name}_{number}"
        row[name] = value


def identity(value: Any) -> str:
    """A text that is the same for equal JSON values only: 1 and 1.0 are equal; 1, true and "1" are not."""
    return json.dumps(_without_fractions(value), sort_keys=True, ensure_ascii=False)


def _without_fractions(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_fractions(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_without_fractions, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain(text: str) -> str:
    """Remove differences that people make in writing: case, `_` for a space, and doubled or outer spaces."""
    return " ".join(text.casefold().replace("_", " ").split())


def _step(item: dict[str, Any], field: str) -> tuple[str, str]:
    """Split `field` into the next name in `item` and the rest; a name may have dots of its own (`no.`).

    It is the whole of `field`, or the shortest beginning that is a name of the item's.
    """
    if field in item:
        return field, ""
    names = field.split(".")
    known = (end for end in range(1, len(names)) if ".".join(names[:end]) in item)
    end = next(known, 1)
    return ".".join(names[:end]), ".".join(names[end:])


def _elements(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for element in value:
            yield from _elements(element)
    else:
        yield value


def _may_have(item: Any, field: str) -> bool:
    """Whether the item has the field or may have it: null, or an empty list on the way, says nothing about it."""
    if item is None or not field:
        return True
    if isinstance(item, list):
        return not item or any(_may_have(element, field) for element in item)
    if not isinstance(item, dict):
        return field == VALUE
    name, rest = _step(item, field)
    return name in item and _may_have(item[name], rest)


def _paths(item: Any, above: str, levels: int) -> Iterator[str]:
    if isinstance(item, list):
        for element in item[:LOOKED_AT]:
            yield from _paths(element, above, levels)
    elif isinstance(item, dict) and levels:
        for name, inner in item.items():
            path = f"{above}.{name}" if above else name
            yield from _paths(inner, path, levels - 1) if _holds_fields(inner) else [path]
    elif item is not None and not above:
        yield VALUE


def _holds_fields(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict | list) for each in value))


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
