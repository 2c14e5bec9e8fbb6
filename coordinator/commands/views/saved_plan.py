"""A saved plan in lines for people. Knows the API's views; asks nothing."""

from __future__ import annotations

from coordinator.commands.views.plans import steps_in_words
from coordinator.commands.views.values import written
from coordinator.plans.holes import DEFAULT, told
from infra.records import Json


def saved_plan_lines(saved: Json) -> list[str]:
    """The plan's name and job types, and below them the inputs that it takes."""
    takes = [f"    {name}: {told(schema)}{_default(schema)}" for name, schema in saved["inputs"].items()]
    return [f"{saved['name']}  {steps_in_words(saved['plan']['steps'])}", *takes]


def _default(schema: Json) -> str:
    return f", {written(schema[DEFAULT])} where it is left out" if DEFAULT in schema else ""
