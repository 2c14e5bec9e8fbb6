"""Naming: job types as a planner meets them elsewhere, under other names, in other words, without their fields' abouts.

Knows no head. What a job type does is to be read from whatever is said of it, never known by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from specialists.planning.offers.offer import FUNCTIONS
from specialists.schemas import Json
from specialists.training.planning.writing import WrittenType

#: Shares of what a case shows otherwise than it was written.
ALIASES, CODES, OTHER_WORDS, BARE = 0.35, 0.10, 0.5, 0.6


@dataclass(frozen=True)
class Naming:
    """The job types of one case as they are shown."""

    offers: list[Json]
    names: Mapping[str, str]  #: as written -> as shown; what keeps its name is not in it

    def steps(self, steps: Sequence[Json]) -> list[Json]:
        """A plan over the types as written, as one over those that are shown."""
        return [{**step, "type": self.names.get(step["type"], step["type"])} for step in steps]


def offer_of(written: WrittenType) -> Json:
    """As the planner is offered it, under its own name."""
    return {
        "name": written.name,
        "description": written.description,
        "input": written.input,
        "output": written.output,
        "function": False,
    }


def bare(offer: Json) -> Json:
    """Without what is said about its fields: most catalogs say nothing about them."""
    return {**offer, "input": without_abouts(offer["input"]), "output": without_abouts(offer["output"])}


def without_abouts(schema: Any) -> Any:
    """A schema without descriptions. A field may be called `description`: that one stays."""
    if isinstance(schema, dict):
        kept = {name: value for name, value in schema.items() if not (name == "description" and isinstance(value, str))}
        return {name: without_abouts(value) for name, value in kept.items()}
    return [without_abouts(each) for each in schema] if isinstance(schema, list) else schema


def disguised(written: WrittenType, draw: Random, without: bool) -> Json:
    """An offer of it under a name, and in words, that are drawn; `without`: abouts of its fields."""
    offer = offer_of(written)
    chance = draw.random()
    if chance < ALIASES:
        offer["name"] = draw.choice(written.aliases)
    elif chance < ALIASES + CODES:
        offer["name"] = f"type_{draw.choice('abcdefghijkl')}{draw.randrange(99)}"
    if draw.random() < OTHER_WORDS:
        offer["description"] = draw.choice(written.descriptions)
    return bare(offer) if without else offer


def masked(types: Sequence[WrittenType], draw: Random) -> Naming:
    """Each in a disguise. No two have one name, and none has that of a function."""
    without = draw.random() < BARE
    while True:
        offers = [disguised(each, draw, without) for each in types]
        shown = {offer["name"] for offer in offers}
        if len(shown) == len(offers) and not shown & FUNCTIONS:
            names = {each.name: offer["name"] for each, offer in zip(types, offers, strict=True)}
            return Naming(offers, {name: new for name, new in names.items() if name != new})


def plain(types: Sequence[WrittenType]) -> Naming:
    """Under their own names, as they are measured: without abouts."""
    return Naming([bare(offer_of(each)) for each in types], {})
