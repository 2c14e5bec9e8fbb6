"""The scope of one search: request, beliefs, and job types in order of likelihood. Builds nothing."""

from __future__ import annotations

from functools import cached_property

from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import LEAST_LIKELY, TYPES_AT_MOST, Beliefs, owner_of


class Scope:
    def __init__(self, request: Request, beliefs: Beliefs) -> None:
        self.request = request
        self.beliefs = beliefs

    @cached_property
    def offers(self) -> list[Offer]:
        """All job types that are chosen by their meaning, the likeliest first."""
        return sorted(self.request.chosen_from, key=lambda offer: -self.likelihood(offer))

    @cached_property
    def likely(self) -> list[Offer]:
        """The job types that a plan is built around."""
        first = self.offers[:TYPES_AT_MOST]
        return [offer for offer in first if self.likelihood(offer) > LEAST_LIKELY] or self.offers[:2]

    @cached_property
    def given(self) -> dict[str, Given]:
        """The inputs by owner name, as `owner_of` writes it."""
        return {owner_of(given): given for given in self.request.given}

    @cached_property
    def record_lists(self) -> list[str]:
        """The owner names of the inputs that are lists of records."""
        return [owner_of(given) for given in self.request.given if given.items == "object"]

    @cached_property
    def functions(self) -> set[str]:
        return {offer.name for offer in self.request.offers if offer.function}

    def likelihood(self, offer: Offer) -> float:
        """How likely the goal needs the job type."""
        return self.beliefs.types.get(offer.name, 0.0)

    def wants(self, name: str) -> float:
        """How likely the goal wants one of `texts.WANTS`."""
        return self.beliefs.wants.get(name, 0.0)
