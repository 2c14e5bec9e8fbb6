"""What the planner is offered, as records: job types with parameters and fields, inputs with their parts.

Reads the planner's input (JSON). Knows no model, no plan and no catalog.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from specialists.planning.literals import REFERENCE
from specialists.schemas import misfit, value_faults

Json = dict[str, Any]

#: Functions whose meaning the planner knows by itself: they are composed, not chosen by their description.
FUNCTIONS = frozenset(
    (
        *("table", "count", "filter", "sum", "average", "min", "max", "sort", "top", "unique", "pick"),
        *("group", "join", "flatten", "template"),
    )
)
#: Labels of one field that a description shows.
SHOWN_LABELS = 6
SAMPLE_CHARACTERS = 48
SEEN_CHARACTERS = 150  #: a text of fewer is seen whole


@dataclass(frozen=True)
class Field:
    """One value that a job type's output, or one item of an input, holds."""

    path: str  #: with dots; a list on the way means each of its elements. "": the value itself
    kind: str  #: string, number, integer, boolean, array, object, any
    labels: tuple[Any, ...] = ()  #: of an enum
    about: str = ""  #: its description
    lists: tuple[str, ...] = ()  #: paths of the lists on the way
    bounded: int | None = None  #: characters that a text may have
    schema: Json = field(default_factory=dict, compare=False, repr=False)
    sure: bool = True  #: all values have it that have what it is in

    @property
    def words(self) -> str:
        return spoken(self.path.rpartition(".")[2])


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


@dataclass(frozen=True)
class Offer:
    """A job type as the planner sees it."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    fields: tuple[Field, ...]  #: every path of the output, lists and objects on the way among them
    function: bool = False

    @property
    def required(self) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.required]

    @cached_property
    def leaves(self) -> list[Field]:
        """The fields that hold a single value each."""
        return [field for field in self.fields if field.kind not in ("array", "object")]

    @cached_property
    def words(self) -> str:
        """Name, description, what it needs and what it gives, in one line."""
        needs = ", ".join(spoken(parameter.name) for parameter in self.parameters)
        gives = ", ".join(_shown(field) for field in self.fields if field.kind != "object")
        return f"{spoken(self.name)}: {self.description} From {needs or 'nothing'}. Gives {gives}."


@dataclass(frozen=True)
class Given:
    """One input of the goal."""

    name: str
    kind: str
    sample: Any
    items: str | None = None  #: the kind of a list's elements
    fields: tuple[Field, ...] = ()  #: of the value, or of each element of a list
    schema: Json = field(default_factory=dict, compare=False, repr=False)

    @property
    def seen(self) -> list[Any]:
        """The values, or elements of the list, that the sample shows."""
        if self.kind == "array":
            return list(self.sample) if isinstance(self.sample, list) else []
        return [] if self.sample is None else [self.sample]

    def seen_at(self, path: str) -> list[Any]:
        """What the seen values have at `path`; a list on the way stands for its elements."""
        found = self.seen
        for name in path.split("."):
            found = [value[name] for value in _elements(found) if isinstance(value, dict) and name in value]
        return found

    @property
    def item_schema(self) -> Json:
        """Of an element of a list, else of the value."""
        items = self.schema.get("items", {}) if self.kind == "array" else self.schema
        return items if isinstance(items, dict) else {}

    @property
    def words(self) -> str:
        held = ", ".join(spoken(field.path) for field in self.fields if field.path and "." not in field.path)
        return spoken(self.name) + (f" ({held})" if held else "")


@dataclass(frozen=True)
class Heard:
    """What a job type made of words of the goal."""

    type: str
    input: Json
    output: Json | None  #: None: it was asked, and nothing came
    confidence: float | None = None

    @property
    def words(self) -> str:
        return str(next(iter(self.input.values()), ""))


@dataclass(frozen=True)
class Request:
    """What the planner is asked: a goal, its inputs, and the job types on offer."""

    goal: str
    given: tuple[Given, ...]
    offers: tuple[Offer, ...]
    heard: tuple[Heard, ...] | None = None  #: of job types that were asked; none yet; None: nobody can be asked

    @cached_property
    def by_name(self) -> dict[str, Offer]:
        return {offer.name: offer for offer in self.offers}

    @cached_property
    def chosen_from(self) -> list[Offer]:
        """The offers that are chosen by their meaning: all but the functions that the planner composes itself."""
        return [offer for offer in self.offers if not (offer.function and offer.name in FUNCTIONS)]

    @cached_property
    def words(self) -> str:
        """The goal as a scorer reads it: its words, then the names of the inputs and how the first one begins."""
        names = ", ".join(given.words for given in self.given)
        first = next((text for given in self.given if (text := _first_text(given.sample))), "")
        tail = f' such as "{" ".join(first.split())[:SAMPLE_CHARACTERS]}"' if first else ""
        return f"{' '.join(self.goal.split())} [given {names or 'nothing'}{tail}]"


def read_request(input: Mapping[str, Any]) -> Request:
    """The planner's input as records."""
    given = tuple(read_given(name, each["schema"], each.get("sample")) for name, each in input["inputs"].items())
    heard = tuple(map(read_heard, input["heard"])) if "heard" in input else None
    return Request(input["goal"], given, tuple(map(read_offer, filter(_is_usable, input["job_types"]))), heard)


def read_heard(heard: Mapping[str, Any]) -> Heard:
    return Heard(heard["type"], heard["input"], heard.get("output"), heard.get("confidence"))


def read_offer(offer: Mapping[str, Any]) -> Offer:
    properties = offer["input"].get("properties", {})
    required = set(offer["input"].get("required", []))
    parameters = tuple(
        Parameter(
            name=name,
            kind=kind_of(schema),
            required=name in required,
            labels=_labels(schema),
            about=schema.get("description", ""),
            items=kind_of(schema["items"]) if isinstance(schema.get("items"), dict) else None,
            bounded=schema.get("maxLength"),
            schema=schema,
        )
        for name, schema in properties.items()
        if name != REFERENCE
    )
    fields = tuple(fields_of(offer["output"]))
    return Offer(offer["name"], offer["description"], parameters, fields, bool(offer.get("function")))


def read_given(name: str, schema: Mapping[str, Any], sample: Any) -> Given:
    kind = kind_of(schema)
    if kind != "array":
        return Given(name, kind, sample, fields=tuple(fields_of(schema)), schema=dict(schema))
    items = schema.get("items", {})
    return Given(name, kind, sample, kind_of(items), tuple(fields_of(items)), dict(schema))


def fields_of(
    schema: Mapping[str, Any], path: str = "", lists: tuple[str, ...] = (), sure: bool = True
) -> Iterator[Field]:
    """Every path of values of `schema`, from the outside in; the whole value has the path ""."""
    kind = kind_of(schema)
    if path:
        about, bounded = schema.get("description", ""), schema.get("maxLength")
        yield Field(path, kind, _labels(schema), about, lists, bounded, dict(schema), sure)
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
    """Those whose names a path can say."""
    for name, inner in schema.get("properties", {}).items():
        if name and "." not in name and not name.endswith("[]"):
            yield name, inner


def _labels(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """Of an enum, those that a plan may say: an object among them could be read as a reference."""
    return tuple(label for label in schema.get("enum", ()) if isinstance(label, str | int | float))


def _is_usable(offer: Mapping[str, Any]) -> bool:
    """Whether its arguments, written out, are not a reference themselves."""
    return REFERENCE not in offer["input"].get("required", ())


def _elements(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from _elements(value) if isinstance(value, list) else (value,)


def _parts(value: Any, schema: Json) -> Iterator[tuple[Any, Json]]:
    """A seen value, or the elements of a list, more of which may be there than are seen; each with its schema."""
    if isinstance(value, list) and value and kind_of(schema) == "array":
        for element in value:
            yield from _parts(element, schema.get("items", {}))
    else:
        yield value, schema


def _is_cut(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= SEEN_CHARACTERS


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


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BREAKS = re.compile(r"[_\-./]+")


def spoken(name: object) -> str:
    """A name as words: `BookRestaurant` and `lost_or_stolen_card` without their signs."""
    text = _BREAKS.sub(" ", _CAMEL.sub(" ", str(name)))
    return " ".join(text.split()) or str(name)


def _shown(field: Field) -> str:
    if not field.labels:
        return spoken(field.path)
    shown = ", ".join(spoken(label) for label in field.labels[:SHOWN_LABELS])
    more = ", ..." if len(field.labels) > SHOWN_LABELS else ""
    return f"{spoken(field.path)} ({shown}{more})"


def _first_text(sample: Any) -> str:
    if isinstance(sample, str):
        return sample
    children = sample.values() if isinstance(sample, dict) else sample if isinstance(sample, list) else ()
    texts = [text for child in list(children)[:6] if (text := _first_text(child))]
    return max(texts, key=len, default="") if isinstance(sample, dict) else texts[0] if texts else ""
