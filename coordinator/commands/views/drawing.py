"""Draws a plan for people: rows for inputs, steps and the result, with lines between them. Asks and runs nothing.

Each line leads from an input or step to the steps that use it.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coordinator.commands.views.costs import cost_words
from coordinator.commands.views.lanes import WIDE, rows_of
from coordinator.commands.views.nodes import nodes_of
from coordinator.rehearsal.cost import Cost
from coordinator.rehearsal.planned import Candidate, Planned
from infra.records import Json

NARROW = 28  #: the least width of the text beside the lanes, in characters


def plan_drawing(candidate: Candidate, inputs: Json, cost: Cost, width: int) -> RenderableType:
    """The drawing of one plan, with its cost. `width`: the terminal's width in characters."""
    nodes = nodes_of(candidate.plan, inputs, cost, candidate.draft.grounded)
    taken = 2 * len(nodes) + max(len(node.label) for node in nodes) + max(len(node.jobs) for node in nodes) + 8
    grid = Table.grid(padding=(0, 2))
    for _ in range(3):
        grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    for row in rows_of(nodes, max(NARROW, min(WIDE, width - taken))):
        grid.add_row(Text(row.lanes, style="cyan"), Text(row.label, style="bold"), Text(row.text), Text(row.jobs))
    return Group(grid, Text(f"Cost: {cost_words(cost)}."))


def planned_drawing(planned: Planned, inputs: Json, costs: Mapping[int, Cost], width: int) -> RenderableType:
    """The result of planning, with a drawing of each plan.

    `costs`: the cost of each candidate, by its place. `width`: the terminal's width in characters.
    """
    parts: list[RenderableType] = [Text(_verdict(planned), style="bold")]
    several = len(planned.candidates) > 1
    for place, candidate in enumerate(planned.candidates):
        heading = _heading(candidate, place if several else None)
        parts += [Text(""), Text(heading, style="bold"), plan_drawing(candidate, inputs, costs[place], width)]
    return Group(*parts)


_VERDICTS = {
    "plan": "This is the plan",
    "unsure": "It is not clear which plan is meant",
    "refused": "This cannot be done here",
    "failed": "There is no plan that can run",
}


def _verdict(planned: Planned) -> str:
    return _VERDICTS[planned.answer] + (f": {planned.reason}" if planned.reason else "")


def _heading(candidate: Candidate, place: int | None) -> str:
    """The plan in words with the planner's confidence, and with a number if there are several plans."""
    words = candidate.draft.words or "A plan without words"
    number = "" if place is None else f"{place + 1}. "
    return f"{number}{words[:1].upper()}{words[1:]} (confidence {candidate.draft.confidence:.2f})"
