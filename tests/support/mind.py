"""A planner's mind made by hand: offers, inputs and beliefs, and plans told line by line. No model is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.planning.catalogs import shipped, specialist_of
from coordinator.plans.planner_input import planner_input
from specialists.catalog import Catalog
from specialists.planning.offers.field import Field
from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request, read_request
from specialists.planning.parts.beliefs import Beliefs, Condition, Tally, owner_of
from specialists.planning.words.texts import WANTS
from specialists.specialist import Specialist

Json = dict[str, Any]
UNLIKELY, LIKELY = 0.02, 0.97

TEXT = {"type": "string", "maxLength": 4000}
NUMBER = {"type": "number"}
INTENTS = ["card_arrival", "lost_card", "exchange_rate"]
INTENT = {"type": "string", "enum": INTENTS}


def record(*optional: str, **properties: Json) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def listed(items: Json) -> Json:
    return {"type": "array", "items": items, "maxItems": 100}


def job_type(name: str, takes: Json, gives: Json, about: str = "For tests.") -> Specialist:
    return specialist_of(name, about, takes, gives)


TRIAGE = job_type("triage", record(text=TEXT), record(intent=INTENT))
SCORE = job_type("score", record(text=TEXT), record(score=NUMBER, is_urgent={"type": "boolean"}))
ENTITIES = job_type("entities", record(text=TEXT), record(entities=listed(record(text=TEXT, type=TEXT))))
TRANSLATE = job_type(
    "translate",
    record("language", text=TEXT, language={"type": "string", "enum": ["German", "French"]}),
    record(translation=TEXT),
)
LOOKUP = job_type("lookup", record(name=TEXT), record(address=TEXT))


def catalog_of(*types: Specialist) -> Catalog:
    """Those job types beside the shipped functions."""
    return Catalog([*(each for each in shipped() if each.name in FUNCTIONS), *types])


def request_of(types: Iterable[Specialist], goal: str = "do it", **inputs: Any) -> Request:
    return read_request(planner_input(goal, inputs, catalog_of(*types)))


class Mind:
    """What is believed of one request. What it says nothing of is unlikely."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._wants = dict.fromkeys(WANTS, UNLIKELY)
        self._types = dict.fromkeys((offer.name for offer in request.chosen_from), UNLIKELY)
        self._bind: dict[tuple[str, str, tuple[str, ...]], float] = {}
        self._literals: dict[tuple[str, str], list[tuple[Any, float]]] = {}
        self._conditions: list[Condition] = []
        self._tallies: list[Tally] = []

    def wants(self, *names: str) -> Mind:
        assert set(names) <= set(WANTS)
        self._wants |= dict.fromkeys(names, LIKELY)
        return self

    def uses(self, name: str, /, **sources: tuple[str, ...]) -> Mind:
        """The job type, and where its parameters are from: ("item", input), ("field", input, path), …"""
        self._types[name] = LIKELY
        self._bind |= {(name, parameter, key): LIKELY for parameter, key in sources.items()}
        return self

    def also_binds(self, name: str, parameter: str, *key: str) -> Mind:
        self._bind[name, parameter, key] = LIKELY
        return self

    def says(self, name: str, parameter: str, value: Any) -> Mind:
        self._literals.setdefault((name, parameter), []).append((value, LIKELY))
        return self

    def selects(self, owner: str, path: str, operator: str, value: Any, words: str = "") -> Mind:
        field = self._field(owner, path)
        self._conditions.append(Condition(self._owner(owner), field, operator, value, LIKELY, words))
        return self

    def tallies(self, function: str, owner: str, path: str, /, **options: Any) -> Mind:
        field = self._field(owner, path)
        self._tallies.append(Tally(function, self._owner(owner), field, LIKELY, tuple(options.items())))
        return self

    @property
    def beliefs(self) -> Beliefs:
        return Beliefs(self._wants, self._types, self._bind, self._literals, self._conditions, self._tallies)

    def _owner(self, owner: str) -> str:
        if owner in self.request.by_name:
            return owner
        return next(owner_of(given) for given in self.request.given if given.name == owner)

    def _field(self, owner: str, path: str) -> Field:
        if owner in self.request.by_name:
            fields: Sequence[Field] = self.request.by_name[owner].fields
        else:
            fields = next(given.fields for given in self.request.given if given.name == owner)
        return next(field for field in fields if field.path == path)


def told(steps: Sequence[Json]) -> list[str]:
    """A line a step: `s1 = triage(text=item) for each inputs.mails`."""
    return [_line(step) for step in steps]


def _line(step: Json) -> str:
    inner = ", ".join(f"{name}={_value(value)}" for name, value in step["args"].items())
    over = f" for each {step['map']['over']['$ref']}" if "map" in step else ""
    return f"{step['id']} = {step['type']}({inner}){over}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"$ref"}:
        return str(value["$ref"])
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)
