"""A plan drawn for people: a row for each input, each step and the result, with lines from what is used to who uses it.

Pure: from a plan to rows of text, and to what a terminal shows. Asks nothing and runs nothing.
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

NARROW = 28  #: characters of what is said beside the lanes, at least


def plan_drawing(candidate: Candidate, inputs: Json, cost: Cost, width: int) -> RenderableType:
    """`width`: of the terminal, in characters."""
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
    """All that planning came to. `costs`: of the candidates, by their places; `width`: of the terminal."""
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
    """What the plan does in words, numbered where there are several, and how sure the planner is of it."""
    words = candidate.draft.words or "A plan without words"
    number = "" if place is None else f"{place + 1}. "
    return f"{number}{words[:1].upper()}{words[1:]} (confidence {candidate.draft.confidence:.2f})"
