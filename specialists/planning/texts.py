"""How parts of a plan are said to the scorer: one text for each thing that a plan may use. Training says the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from specialists.planning.offered import FUNCTIONS, Field, Given, Json, Offer, Parameter, Request, spoken

#: What a goal may ask beyond its job types; the layer over whole goals gives one number each.
WANTS = (
    *("count", "filter", "sum", "average", "min", "max", "sort", "top", "unique", "pick", "group", "join"),
    *("template", "flatten"),
    "pair",  # several types over the same items
    "chain",  # a type that takes what another gives
    "then",  # a type on what was selected
    "ends",  # two results
    "single",  # nothing is gone over
    "literal",  # an argument that the goal says in words
    "number",  # a selection by a number or a date
    "negate",  # a selection of all others
    "descending",  # order from the largest
    "untyped",  # functions alone
    "impossible",
)
#: What texts are matched for: a job type, a part of a plan (a value, a field), where an argument is from.
TASKS = ("type", "part", "bind")
_BY_FIELD = {
    "count": "how many of each",
    "sum": "the sum of",
    "average": "the average",
    "min": "the smallest",
    "max": "the largest",
    "sort": "in order of",
    "top": "the first few by",
    "unique": "the different",
    "pick": "just the",
    "group": "grouped by",
    "filter": "only where",
}
_CONDITIONS = {
    "contains": "has in it",
    "greater_than": "is more than",
    "less_than": "is less than",
    "at_least": "is at least",
    "at_most": "is at most",
    "before": "is before",
    "after": "is after",
    "any_of": "is one of",
    "equals": "is",
}
#: Words of a description that a plan in words repeats.
DESCRIBED = 14


def known(offer: Offer) -> str:
    """The name under which the layer over whole goals knows a job type, as long as it is described so."""
    return f"type {offer.name}: {offer.description}"


def by_field(function: str, field: Field | str) -> str:
    """`the sum of minutes`."""
    return f"{_BY_FIELD[function]} {_named(field)}"


def condition(field: Field | str, operator: str, value: Any, negate: bool = False) -> str:
    """`only where level is critical`."""
    said = ", ".join(map(spoken, value)) if isinstance(value, list) else spoken(_plain(value))
    return f"only where {_named(field)} {_CONDITIONS[operator]} {'not ' if negate else ''}{said}"


def literal(parameter: Parameter, value: Any) -> str:
    """`language: what to translate into is French`."""
    return f"with {parameter.words} is {spoken(_plain(value))}"


def source_of_item(given: Given) -> str:
    """One element of an input list that has no fields."""
    sample = given.sample[0] if isinstance(given.sample, list) and given.sample else given.sample
    return (
        f"each of {spoken(given.name)}{_such_as(sample)}"
        if given.kind == "array"
        else f"{spoken(given.name)}{_such_as(sample)}"
    )


def source_of_field(given: Given, field: Field) -> str:
    """A field of an input, or of each of its elements."""
    sample = given.sample[0] if isinstance(given.sample, list) and given.sample else given.sample
    for name in field.path.split("."):
        sample = sample.get(name) if isinstance(sample, dict) else None
    return f"{spoken(field.path)} of {spoken(given.name)}{_such_as(sample)}"


def source_of_list(given: Given) -> str:
    """The whole of an input list."""
    return f"all {spoken(given.name)}"


def source_of_output(offer: Offer, field: Field) -> str:
    """What another job type gives."""
    return f"{spoken(field.path)} read by {spoken(offer.name)}" + (f": {field.about}" if field.about else "")


def needed(offer: Offer, parameter: Parameter) -> str:
    """What a parameter is, for the scorer of sources."""
    return f"{parameter.words} for {spoken(offer.name)}: {_short(offer.description)}"


def _named(field: Field | str) -> str:
    if isinstance(field, str):
        return spoken(field.rpartition(".")[2])
    return f"{field.words} ({field.about})" if field.about else field.words


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _such_as(sample: Any) -> str:
    if isinstance(sample, dict | list):
        sample = json.dumps(sample, ensure_ascii=False)
    return "" if sample is None else f', such as "{" ".join(str(sample).split())[:40]}"'


def _short(description: str) -> str:
    words = description.split()
    return " ".join(words[:DESCRIBED]) + (" ..." if len(words) > DESCRIBED else "")


class PlanWords:
    """A plan in words, short, as people are shown it."""

    def __init__(self, request: Request) -> None:
        self._offers = request.by_name

    def of(self, steps: Sequence[Json]) -> str:
        said: dict[str, str] = {}
        sentences = []
        for step in steps:
            name = step["type"]
            offer = self._offers.get(name)
            if name in FUNCTIONS and (offer is None or offer.function):
                said[step["id"]] = self._function(name, step["args"], said)
                if name != "table" or len(step["args"]["columns"]) > 2:
                    sentences.append(said[step["id"]])
                continue
            sentences.append(self._use(step, offer, said))
            said[step["id"]] = f"{spoken(name)} results"
        return "; ".join(sentences)

    def _use(self, step: Json, offer: Offer | None, said: Mapping[str, str]) -> str:
        over = self._source(step["map"]["over"]["$ref"], said) if "map" in step else None
        does = f"{spoken(step['type'])} ({_short(offer.description)})" if offer else spoken(step["type"])
        arguments = [self._argument(name, value, step, said) for name, value in step["args"].items()]
        inner = ", ".join(filter(None, arguments))
        return (f"for each of {over}: " if over else "") + does + (f" with {inner}" if inner else "")

    def _argument(self, name: str, value: Any, step: Json, said: Mapping[str, str]) -> str:
        if not (isinstance(value, dict) and "$ref" in value):
            return f"{spoken(name)} {spoken(_plain(value))}"
        head, _, rest = value["$ref"].partition(".")
        if "map" in step and head == step["map"]["as"]:
            return f"its {spoken(rest)}" if rest else ""
        return f"{spoken(name)} from {self._source(value['$ref'], said)}"

    def _source(self, path: str, said: Mapping[str, str]) -> str:
        head, _, rest = path.partition(".")
        if head == "inputs":
            return spoken(rest)
        inner = rest if rest not in ("rows", "items", "values") else ""
        return f"{spoken(inner)} of {said.get(head, head)}" if inner else said.get(head, head)

    def _function(self, function: str, args: Mapping[str, Any], said: Mapping[str, str]) -> str:
        if function == "table":
            sides = [self._source(each["$ref"], said) for each in args["columns"] if isinstance(each, dict)]
            return " beside ".join(sides)
        if function == "join":
            sides = [self._source(args[side]["$ref"], said) for side in ("left", "right")]
            return f"{' joined with '.join(sides)} by {spoken(args['on'])}"
        if function in ("template", "flatten"):
            return f"a text: {args.get('template', '')}" if function == "template" else "all in one list"
        field = str(args.get("field") or "value")
        if function == "filter":
            operator = next((name for name in _CONDITIONS if name in args), "equals")
            return condition(field, operator, args.get(operator), bool(args.get("negate")))
        tail = ""
        if function == "top":
            tail = f", {args.get('n')} of the {'smallest' if args.get('smallest') else 'largest'}"
        if function == "sort":
            tail = ", largest first" if args.get("descending") else ", smallest first"
        return by_field(function, field) + tail
