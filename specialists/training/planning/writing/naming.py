"""Naming: shows job types as other catalogs would: under other names, in other words, without descriptions of fields.

It knows no head. The planner should learn what a job type does from its description, and never know it by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from specialists.planning.offers.offer import FUNCTIONS
from specialists.schemas import Json
from specialists.training.planning.writing.writing import WrittenType

#: How often a case changes its job types: other names, names that are codes, other descriptions, and bare fields.
ALIASES, CODES, OTHER_WORDS, BARE = 0.35, 0.10, 0.5, 0.6


@dataclass(frozen=True)
class Naming:
    """The job types of one case in the form that is shown."""

    offers: list[Json]
    names: Mapping[str, str]  #: written name -> shown name; names that are unchanged are left out

    def steps(self, steps: Sequence[Json]) -> list[Json]:
        """Rewrite a plan over the written types as one over the shown types."""
        return [{**step, "type": self.names.get(step["type"], step["type"])} for step in steps]


def offer_of(written: WrittenType) -> Json:
    """The offer of a written type under its own name."""
    return {
        "name": written.name,
        "description": written.description,
        "input": written.input,
        "output": written.output,
        "function": False,
    }


def bare(offer: Json) -> Json:
    """Return the offer without descriptions of its fields, since most catalogs have none."""
    return {**offer, "input": without_abouts(offer["input"]), "output": without_abouts(offer["output"])}


def without_abouts(schema: Any) -> Any:
    """Return the schema without descriptions. A field called `description` stays."""
    if isinstance(schema, dict):
        kept = {name: value for name, value in schema.items() if not (name == "description" and isinstance(value, str))}
        return {name: without_abouts(value) for name, value in kept.items()}
    return [without_abouts(each) for each in schema] if isinstance(schema, list) else schema


def disguised(written: WrittenType, draw: Random, without: bool) -> Json:
    """Draw an offer of the type with another name and other words; `without` leaves out its fields' descriptions."""
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
    """Disguise each type. No two get the same name, and none gets that of a function."""
    without = draw.random() < BARE
    while True:
        offers = [disguised(each, draw, without) for each in types]
        shown = {offer["name"] for offer in offers}
        if len(shown) == len(offers) and not shown & FUNCTIONS:
            names = {each.name: offer["name"] for each, offer in zip(types, offers, strict=True)}
            return Naming(offers, {name: new for name, new in names.items() if name != new})


def plain(types: Sequence[WrittenType]) -> Naming:
    """Show the types under their own names and without descriptions of fields, as they are measured."""
    return Naming([bare(offer_of(each)) for each in types], {})
