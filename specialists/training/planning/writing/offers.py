"""Offers: the job types on offer beside a written goal, and the request that the planner would get. Knows no head."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import Any

from specialists.catalog import load_catalog
from specialists.offers import offers as offers_of
from specialists.planning.offers.request import Request, read_request
from specialists.schemas import Json, schema_of
from specialists.training.planning.writing.naming import BARE, Naming, bare, masked, plain
from specialists.training.planning.writing.writing import SHIPPED_DOMAIN, Writing, WrittenGoal

#: The coordinator cuts the samples of inputs in the same way.
SAMPLE_ITEMS, SAMPLE_CHARACTERS = 2, 160


class Offers:
    """The job types of each domain, those that ship, and the functions."""

    def __init__(self, writing: Writing, shipped: Sequence[Json] | None = None) -> None:
        """`shipped`: offers to use in place of the catalog's."""
        self._types = writing.by_domain
        self._given = shipped

    @cached_property
    def _shipped(self) -> list[Json]:
        return list(self._given) if self._given is not None else offers_of(load_catalog(adapters=False))

    @cached_property
    def models(self) -> list[Json]:
        """The shipped job types that are chosen by their meaning."""
        return [offer for offer in self._shipped if not offer["function"]]

    @cached_property
    def functions(self) -> list[Json]:
        """The shipped functions, which are composed and are on offer with every goal."""
        return [offer for offer in self._shipped if offer["function"]]

    @cached_property
    def by_name(self) -> dict[str, Json]:
        """`models` by name."""
        return {offer["name"]: offer for offer in self.models}

    def masked(self, goal: WrittenGoal, draw: Random) -> Naming:
        """The goal's job types for one training case."""
        if goal.domain != SHIPPED_DOMAIN:
            return masked(self._types[goal.domain], draw)
        return Naming([bare(offer) for offer in self.models] if draw.random() < BARE else self.models, {})

    def plain(self, goal: WrittenGoal) -> Naming:
        """The goal's job types for measuring."""
        if goal.domain != SHIPPED_DOMAIN:
            return plain(self._types[goal.domain])
        return Naming(self.models, {})

    def request(self, goal: WrittenGoal, naming: Naming) -> Request:
        return read_request(planner_input(goal.goal, goal.inputs, [*naming.offers, *self.functions]))


def planner_input(goal: str, inputs: Json, offers: Sequence[Json]) -> Json:
    """The input of a job of type `planner`."""
    told = {name: {"schema": schema_of(value), "sample": sample_of(value)} for name, value in inputs.items()}
    return {"goal": goal, "inputs": told, "job_types": list(offers)}


def sample_of(value: Any) -> Any:
    """The beginning of a value."""
    if isinstance(value, list):
        return [sample_of(each) for each in value[:SAMPLE_ITEMS]]
    if isinstance(value, dict):
        return {name: sample_of(each) for name, each in value.items()}
    return value[:SAMPLE_CHARACTERS] if isinstance(value, str) else value
