"""Plan words: a whole plan as a short text for people. Knows no model, and checks nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import FUNCTIONS, Offer
from specialists.planning.offers.request import Request
from specialists.planning.words.texts import COMPARED, by_field, condition, plain, short
from specialists.schemas import Json


class PlanWords:
    """Puts a plan into a short text for people."""

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
        does = f"{spoken(step['type'])} ({short(offer.description)})" if offer else spoken(step["type"])
        arguments = [self._argument(name, value, step, said) for name, value in step["args"].items()]
        inner = ", ".join(filter(None, arguments))
        return (f"for each of {over}: " if over else "") + does + (f" with {inner}" if inner else "")

    def _argument(self, name: str, value: Any, step: Json, said: Mapping[str, str]) -> str:
        if not (isinstance(value, dict) and "$ref" in value):
            return f"{spoken(name)} {spoken(plain(value))}"
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
            operator = next((name for name in COMPARED if name in args), "equals")
            return condition(field, operator, args.get(operator), bool(args.get("negate")))
        tail = ""
        if function == "top":
            tail = f", {args.get('n')} of the {'smallest' if args.get('smallest') else 'largest'}"
        if function == "sort":
            tail = ", largest first" if args.get("descending") else ", smallest first"
        return by_field(function, field) + tail
