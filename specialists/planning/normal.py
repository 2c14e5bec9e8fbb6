"""A plan's normal form: what it does, however it is written. Two plans of one form give the same rows.

Ids, the order of steps, and whether the inputs are shown beside the outputs make no difference. Runs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.schemas import Json

#: Functions that hand their items on, as they are.
_THROUGH = frozenset({"filter", "sort", "top"})
#: Of these it makes a difference whether they look at elements of lists that items hold, or at the items.
_OF_ELEMENTS = frozenset({"filter", "sort", "top"})
_NUMBERED = re.compile(r"_\d+$")


class Use(NamedTuple):
    """A job type applied: to what, with which arguments."""

    type: str
    arguments: tuple[tuple[str, str], ...]  #: parameter -> where its value is from, or the literal as JSON
    mapped: bool
    kept: tuple[str, ...]  #: the conditions that what it goes over was selected by

    @property
    def words(self) -> str:
        inner = ",".join(f"{name}={origin}" for name, origin in self.arguments)
        return f"{self.type}({inner}){'|'.join(('', *self.kept))}"


class Operation(NamedTuple):
    """A function applied to a field."""

    function: str
    source: str  #: the job type, or the input, that has the field
    field: str
    value: str  #: its other arguments as JSON
    origin: str  #: where exactly the field is from
    kept: tuple[str, ...]

    @property
    def condition(self) -> str:
        return f"{self.origin}:{self.value}"


@dataclass(frozen=True)
class Normal:
    uses: frozenset[Use]
    operations: frozenset[Operation]
    ends: int  #: results that no other step needs

    @property
    def types(self) -> set[str]:
        return {use.type for use in self.uses}


@dataclass(frozen=True)
class _Thing:
    """A value of the plan, as the normal form tells it: where it, or each of its elements, is from."""

    origin: str
    source: str  #: job type or input
    path: str = ""  #: inside the source
    names: frozenset[str] = frozenset()  #: of the fields that it is known to have
    columns: tuple[_Thing, ...] = ()  #: of rows that were put together
    kept: tuple[str, ...] = ()
    elements: bool = False  #: it is one list of what lists that each item has hold

    def at(self, names: Sequence[str]) -> _Thing:
        if not names:
            return self
        if self.columns:
            column, name = self._column(names[0])
            found = replace(column, kept=self.kept)
            return found if name is None else found.at([name, *names[1:]])
        path = ".".join([*filter(None, [self.path]), *names])
        return _Thing(".".join([self.origin, *names]), self.source, path, kept=self.kept)

    def _column(self, name: str) -> tuple[_Thing, str | None]:
        plain = _NUMBERED.sub("", name)
        for wanted in (name, plain):
            if having := [column for column in self.columns if wanted in column.names]:
                return having[0 if wanted == name else -1], wanted  # a later column's field has a number
        bare = [column for column in self.columns if not column.names]
        if plain == "value" and bare:
            return bare[0], None
        return (bare or list(self.columns))[0], plain


def normal(steps: Sequence[Json], request: Request) -> Normal:
    """The normal form of compiled or compilable steps."""
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
        self._things: dict[str, _Thing] = {}
        self._inputs = {
            given.name: _Thing(given.name, given.name, names=frozenset(f.path.split(".")[0] for f in given.fields))
            for given in request.given
        }

    def read(self, step: Json) -> None:
        offer = self._offers.get(step["type"])
        if step["type"] in FUNCTIONS and (offer is None or offer.function):
            self._things[step["id"]] = self._function(step["type"], step["args"])
        else:
            self._things[step["id"]] = self._use(step)

    def _use(self, step: Json) -> _Thing:
        item = self._thing(step["map"]["over"]["$ref"]) if "map" in step else None
        name = step["map"]["as"] if "map" in step else None
        arguments = tuple(sorted((each, self._origin(value, name, item)) for each, value in step["args"].items()))
        use = Use(step["type"], arguments, item is not None, item.kept if item else ())
        self.uses.append(use)
        offer = self._offers.get(step["type"])
        names = frozenset(f.path.split(".")[0] for f in offer.fields) if offer else frozenset[str]()
        return _Thing(use.words, step["type"], names=names, kept=use.kept)

    def _origin(self, value: Any, name: str | None, item: _Thing | None) -> str:
        if isinstance(value, dict) and set(value) == {"$ref"}:
            return self._thing(value["$ref"], name, item).origin
        return json.dumps(value, sort_keys=True)

    def _thing(self, path: str, name: str | None = None, item: _Thing | None = None) -> _Thing:
        head, *rest = path.replace("[]", "").split(".")
        if name is not None and head == name and item is not None:
            return item.at(rest)
        if head == "inputs":
            given = self._inputs.get(rest[0]) if rest else None
            return given.at(rest[1:]) if given else _Thing(path, path)
        found = self._things.get(head, _Thing(head, head))
        handed_on = rest[:1] in (["items"], ["values"], ["rows"]) and rest[0] not in found.names
        if handed_on or (found.columns and rest[:1] == ["rows"]):
            rest = rest[1:]
        return found.at(rest)

    def _function(self, function: str, args: Mapping[str, Any]) -> _Thing:
        if function in ("table", "join"):
            sides = args.get("columns") if function == "table" else [args.get("left"), args.get("right")]
            columns = tuple(self._thing(each["$ref"]) for each in sides or [] if isinstance(each, dict))
            if function == "join":
                on = str(args.get("on"))
                self.operations.append(Operation("join", columns[0].source, on, "", on, ()))
            kept = tuple(sorted({condition for column in columns for condition in column.kept}))
            flat = [inner for column in columns for inner in (column.columns or (column,))]
            return _Thing("rows", "rows", columns=tuple(flat), kept=kept)
        if function == "template":
            words = str(args.get("template", ""))
            self.operations.append(Operation("template", "", "", json.dumps(words), words, ()))
            return _Thing("text", "text")
        reference = args.get("items")
        items = (
            self._thing(reference["$ref"]) if isinstance(reference, dict) and "$ref" in reference else _Thing("?", "?")
        )
        field = items.at(args["field"].split(".")) if args.get("field") else items
        rest = {name: value for name, value in args.items() if name not in ("items", "field")}
        if function == "flatten":
            return replace(items, elements=True)
        kept = (*items.kept, "each element") if items.elements and function in _OF_ELEMENTS else items.kept
        value = json.dumps(_plain(rest), sort_keys=True)
        operation = Operation(function, field.source, field.path, value, field.origin, kept)
        self.operations.append(operation)
        if function in _THROUGH:
            condition = (operation.condition,) if function in ("filter", "top") else ()
            return replace(items, kept=tuple(sorted({*items.kept, *condition})))
        return field if function in ("pick", "unique") else _Thing(function, function)


def _plain(rest: Mapping[str, Any]) -> Json:
    """Literals that mean the same are the same: `true` and "true", a flag that is off and none."""
    out: Json = {}
    for name, value in rest.items():
        if name in ("descending", "smallest", "negate") and value is False:
            continue
        out[name] = str(value).casefold().replace("_", " ") if name == "equals" else value
    return out


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)
