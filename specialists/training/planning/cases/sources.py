"""Sources: every source of a parameter's value, and which source is right. Knows no search and no model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from specialists.planning.normal.form import Normal
from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import NUMBERS
from specialists.planning.words import texts

#: How many wrong sources stand beside a right one: from inputs, and from other job types.
WRONG_INPUTS, WRONG_OUTPUTS = 3, 2

Key = tuple[str, ...]  #: as `Beliefs.bind` names a source


@dataclass(frozen=True)
class Source:
    key: Key
    kind: str | None
    text: str

    @property
    def owner(self) -> str:
        return self.key[1]

    @property
    def is_output(self) -> bool:
        return self.key[0] == "out"


@dataclass(frozen=True)
class Bound:
    """A parameter that a plan fills from an input or from another job type."""

    offer: Offer
    parameter: Parameter
    key: Key


def sources(request: Request) -> list[Source]:
    """Every source in the request, whether or not it fits a parameter."""
    inputs = [source for given in request.given for source in _of_given(given)]
    return inputs + [source for offer in request.chosen_from for source in _of_offer(offer)]


def _of_offer(offer: Offer) -> Iterator[Source]:
    for field in offer.fields:
        yield Source(("out", offer.name, field.path), field.kind, texts.source_of_output(offer, field))


def _of_given(given: Given) -> Iterator[Source]:
    if given.kind == "array":
        yield Source(("list", given.name), "array", texts.source_of_list(given))
    if not given.fields:
        kind = given.items if given.kind == "array" else given.kind
        yield Source(("item", given.name), kind, texts.source_of_item(given))
    for field in given.fields:
        yield Source(("field", given.name, field.path), field.kind, texts.source_of_field(given, field))


def bound(request: Request, plan: Normal) -> list[Bound]:
    found = []
    for use in sorted(plan.uses):
        offer = request.by_name.get(use.type)
        parameters = {each.name: each for each in offer.parameters} if offer else {}
        for name, origin in use.arguments:
            if offer and name in parameters and (key := key_of(request, parameters[name], origin)):
                found.append(Bound(offer, parameters[name], key))
    return found


def key_of(request: Request, parameter: Parameter, origin: str) -> Key | None:
    """The key of the source that a normal form calls `origin`; None if it is a literal."""
    for offer in request.chosen_from:
        if origin.startswith(f"{offer.name}("):
            paths = sorted((field.path for field in offer.fields), key=len, reverse=True)
            return ("out", offer.name, next((path for path in paths if origin.endswith(f".{path}")), ""))
    for given in request.given:
        if origin == given.name:
            whole = given.kind == "array" and parameter.kind == "array" and given.items != "array"
            return ("list" if whole else "item", given.name)
        if origin.startswith(f"{given.name}."):
            return ("field", given.name, origin[len(given.name) + 1 :])
    return None


def bind_texts(request: Request, plan: Normal, draw: Random) -> list[tuple[str, list[tuple[str, bool]]]]:
    """For each parameter that the plan binds: the text of its need, and sources, of which the first is right."""
    everything, found = sources(request), []
    for each in bound(request, plan):
        right = next((source for source in everything if source.key == each.key), None)
        if right is None:
            continue
        others = [source for source in everything if source != right and fits(source.kind, each.parameter)]
        inputs = [source for source in others if not source.is_output]
        outputs = [source for source in others if source.is_output and source.owner != each.offer.name]
        wrong = draw.sample(inputs, min(WRONG_INPUTS, len(inputs)))
        wrong += draw.sample(outputs, min(WRONG_OUTPUTS, len(outputs)))
        said = [(right.text, True), *((source.text, False) for source in wrong)]
        found.append((texts.needed(each.offer, each.parameter), said))
    return found


def fits(kind: str | None, parameter: Parameter) -> bool:
    return kind in (parameter.kind, "any") or parameter.kind == "any" or {kind, parameter.kind} <= NUMBERS
