"""A request: the goal, its inputs, the job types on offer, and the owners' answers. Knows no model and no plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from specialists.planning.flow.literals import REFERENCE
from specialists.planning.offers.given import Given, read_given
from specialists.planning.offers.offer import FUNCTIONS, Offer, read_offer
from specialists.schemas import Json

SAMPLE_CHARACTERS = 48


@dataclass(frozen=True)
class Heard:
    """The answer of a job type that was asked about words of the goal."""

    type: str
    input: Json
    output: Json | None  #: None if it was asked and gave no answer
    confidence: float | None = None

    @property
    def words(self) -> str:
        return str(next(iter(self.input.values()), ""))


@dataclass(frozen=True)
class Request:
    """The planner's input: a goal, its inputs, and the job types on offer."""

    goal: str
    given: tuple[Given, ...]
    offers: tuple[Offer, ...]
    #: Answers of owners; empty if none was asked yet; None if nobody can be asked.
    heard: tuple[Heard, ...] | None = None

    @cached_property
    def by_name(self) -> dict[str, Offer]:
        return {offer.name: offer for offer in self.offers}

    @cached_property
    def chosen_from(self) -> list[Offer]:
        """The offers that are chosen by their meaning: all except the functions that the planner composes itself."""
        return [offer for offer in self.offers if not (offer.function and offer.name in FUNCTIONS)]

    @cached_property
    def words(self) -> str:
        """The goal as a scorer reads it: its words, the inputs' names, and the beginning of the first text in them."""
        names = ", ".join(given.words for given in self.given)
        first = next((text for given in self.given if (text := _first_text(given.sample))), "")
        tail = f' such as "{" ".join(first.split())[:SAMPLE_CHARACTERS]}"' if first else ""
        return f"{' '.join(self.goal.split())} [given {names or 'nothing'}{tail}]"


def read_request(input: Mapping[str, Any]) -> Request:
    """Read the planner's input into records."""
    given = tuple(read_given(name, each["schema"], each.get("sample")) for name, each in input["inputs"].items())
    heard = tuple(map(read_heard, input["heard"])) if "heard" in input else None
    return Request(input["goal"], given, tuple(map(read_offer, filter(_is_usable, input["job_types"]))), heard)


def read_heard(heard: Mapping[str, Any]) -> Heard:
    return Heard(heard["type"], heard["input"], heard.get("output"), heard.get("confidence"))


def _is_usable(offer: Mapping[str, Any]) -> bool:
    """Whether written arguments of the job type can be told from a reference."""
    return REFERENCE not in offer["input"].get("required", ())


def _first_text(sample: Any) -> str:
    if isinstance(sample, str):
        return sample
    children = sample.values() if isinstance(sample, dict) else sample if isinstance(sample, list) else ()
    texts = [text for child in list(children)[:6] if (text := _first_text(child))]
    return max(texts, key=len, default="") if isinstance(sample, dict) else texts[0] if texts else ""
