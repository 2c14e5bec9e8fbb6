"""A plan's normal form: its effect, independent of how it is written. Two plans with one form give the same rows.

Ids, the order of steps, and showing the inputs beside the outputs make no difference. Runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from specialists.planning.normal.form import Normal, Operation, Use
from specialists.planning.normal.references import references
from specialists.planning.normal.thing import Thing
from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.schemas import Json

#: Functions that hand their items on unchanged.
_THROUGH = frozenset({"filter", "sort", "top"})
#: For these functions it matters whether they look at the items, or at elements of lists that the items hold.
_OF_ELEMENTS = frozenset({"filter", "sort", "top"})


def normal(steps: Sequence[Json], request: Request) -> Normal:
    """The normal form of steps that are compiled or can be compiled."""
    reader = _Reader(request)
    for step in steps:
        reader.read(step)
    needed = {path.partition(".")[0].replace("[]", "") for step in steps for path in references(step)}
    ends = sum(step["id"] not in needed for step in steps)
    return Normal(frozenset(reader.uses), frozenset(reader.operations), ends)


class _Reader:
    def __init__(self, request: Request) -> None:
        self.uses: list[Use] = []
        self.operations: list[Operation] = []
        self._offers = request.by_name
        self._things: dict[str, Thing] = {}
        self._inputs = {
            given.name: Thing(given.name, given.name, names=frozenset(f.path.split(".")[0] for f in given.fields))
            for given in request.given
        }

    def read(self, step: Json) -> None:
        offer = self._offers.get(step["type"])
        if step["type"] in FUNCTIONS and (offer is None or offer.function):
            self._things[step["id"]] = self._function(step["type"], step["args"])
        else:
            self._things[step["id"]] = self._use(step)

    def _use(self, step: Json) -> Thing:
        item = self._thing(step["map"]["over"]["$ref"]) if "map" in step else None
        name = step["map"]["as"] if "map" in step else None
        arguments = tuple(sorted((each, self._origin(value, name, item)) for each, value in step["args"].items()))
        use = Use(step["type"], arguments, item is not None, item.kept if item else ())
        self.uses.append(use)
        offer = self._offers.get(step["type"])
        names = frozenset(f.path.split(".")[0] for f in offer.fields) if offer else frozenset[str]()
        return Thing(use.words, step["type"], names=names, kept=use.kept)

    def _origin(self, value: Any, name: str | None, item: Thing | None) -> str:
        if isinstance(value, dict) and set(value) == {"$ref"}:
            return self._thing(value["$ref"], name, item).origin
        return json.dumps(value, sort_keys=True)

    def _thing(self, path: str, name: str | None = None, item: Thing | None = None) -> Thing:
        head, *rest = path.replace("[]", "").split(".")
        if name is not None and head == name and item is not None:
            return item.at(rest)
        if head == "inputs":
            given = self._inputs.get(rest[0]) if rest else None
            return given.at(rest[1:]) if given else Thing(path, path)
        found = self._things.get(head, Thing(head, head))
        handed_on = rest[:1] in (["items"], ["values"], ["rows"]) and rest[0] not in found.names
        if handed_on or (found.columns and rest[:1] == ["rows"]):
            rest = rest[1:]
        return found.at(rest)

    def _function(self, function: str, args: Mapping[str, Any]) -> Thing:
        if function == "table":
            return _rows(self._columns(args.get("columns") or []))
        if function == "join":
            return self._joined(args)
        if function == "template":
            words = str(args.get("template", ""))
            self.operations.append(Operation("template", "", "", json.dumps(words), words, ()))
            return Thing("text", "text")
        items = self._items(args.get("items"))
        return replace(items, elements=True) if function == "flatten" else self._of_field(function, items, args)

    def _columns(self, sides: Sequence[Any]) -> list[Thing]:
        return [self._thing(each["$ref"]) for each in sides if isinstance(each, dict)]

    def _joined(self, args: Mapping[str, Any]) -> Thing:
        columns, on = self._columns([args.get("left"), args.get("right")]), str(args.get("on"))
        self.operations.append(Operation("join", columns[0].source, on, "", on, ()))
        return _rows(columns)

    def _items(self, items: Any) -> Thing:
        return self._thing(items["$ref"]) if isinstance(items, dict) and "$ref" in items else Thing("?", "?")

    def _of_field(self, function: str, items: Thing, args: Mapping[str, Any]) -> Thing:
        """Apply a function to a field of `items`, or to the items themselves if it names no field."""
        field = items.at(args["field"].split(".")) if args.get("field") else items
        kept = (*items.kept, "each element") if items.elements and function in _OF_ELEMENTS else items.kept
        rest = {name: value for name, value in args.items() if name not in ("items", "field")}
        value = json.dumps(_plain(rest), sort_keys=True)
        operation = Operation(function, field.source, field.path, value, field.origin, kept)
        self.operations.append(operation)
        if function in _THROUGH:
            condition = (operation.condition,) if function in ("filter", "top") else ()
            return replace(items, kept=tuple(sorted({*items.kept, *condition})))
        return field if function in ("pick", "unique") else Thing(function, function)


def _rows(columns: Sequence[Thing]) -> Thing:
    """Return the thing that stands for lists put side by side."""
    kept = tuple(sorted({condition for column in columns for condition in column.kept}))
    flat = tuple(inner for column in columns for inner in (column.columns or (column,)))
    return Thing("rows", "rows", columns=flat, kept=kept)


def _plain(rest: Mapping[str, Any]) -> Json:
    """Write literals that mean the same in the same way: `true` and "true", or a flag that is off and a missing one."""
    out: Json = {}
    for name, value in rest.items():
        if name in ("descending", "smallest", "negate") and value is False:
            continue
        out[name] = str(value).casefold().replace("_", " ") if name == "equals" else value
    return out
