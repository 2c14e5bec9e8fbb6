"""A plan drawn for people: a row for each input, each step and the result, with lines from what is used to who uses it.

Pure: from a plan to rows of text, and to what a terminal shows. Asks nothing and runs nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coordinator.commands.show import written
from coordinator.plans import references
from coordinator.plans.answer import Grounding
from coordinator.plans.plan import Plan, Step
from coordinator.rehearsal.cost import Cost, Jobs
from coordinator.rehearsal.planned import Candidate, Planned
from infra.records import Json

RESULT = "result"
NARROW, WIDE = 28, 88  #: characters of what is said beside the lanes: at least and at most


@dataclass(frozen=True)
class Node:
    """An input, a step or the result, and the nodes that it uses."""

    name: str
    label: str
    uses: frozenset[str]
    lines: Sequence[str]  #: what is said of it
    jobs: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the drawing: its lanes, and what stands beside them."""

    lanes: str
    label: str = ""
    text: str = ""
    jobs: str = ""


def nodes_of(plan: Plan, inputs: Json, cost: Cost, grounded: Sequence[Grounding] = ()) -> list[Node]:
    """Inputs first, then each step behind what it uses, the result last."""
    used = {step.id: _uses(step, inputs) for step in plan.steps}
    everything = frozenset().union(*used.values(), _sources(plan.result, inputs))
    given = [_input_node(name, value, f"inputs.{name}" in everything) for name, value in inputs.items()]
    steps = [_step_node(step, used[step.id], cost, grounded) for step in _ordered(plan.steps)]
    return [*given, *steps, Node(RESULT, RESULT, _sources(plan.result, inputs), [])]


def rows_of(nodes: Sequence[Node], width: int = WIDE) -> list[Row]:
    """One lane a node: it begins at the node, and ends where the node is used last. `width`: of what is said beside."""
    last = {name: number for number, node in enumerate(nodes) for name in node.uses}
    rows: list[Row] = []
    for number, node in enumerate(nodes):
        lanes = [_lane(each, node, number, last) for each in nodes[:number]]
        said = _wrapped(node.lines, width)
        rows.append(Row(_joined(lanes, node.name != RESULT), node.label, said[0] if said else "", node.jobs))
        after = [_going_on(each, number, last) for each in nodes[: number + 1]]
        rows += [Row(_between(after), text=line) for line in said[1:]]
    return rows


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


def cost_words(cost: Cost) -> str:
    """For people: `9 jobs, 7 of them by models`."""
    jobs, models = cost.jobs.count, cost.by_models.count
    if jobs is None or models is None:
        least = sum(each.count for each in cost.steps.values() if each.count is not None and each.exact)
        return f"at least {_number(least)}; how many more is known when the plan runs"
    by = "by no model" if not models else "each by a model" if models == jobs else f"{models:,} of them by models"
    return f"{'' if cost.jobs.exact else 'at most '}{_number(jobs)}, {by}"


def jobs_words(jobs: Jobs) -> str:
    if jobs.count is None:
        return "jobs: known when it runs"
    return _number(jobs.count) if jobs.exact else f"at most {_number(jobs.count)}"


def _number(jobs: int) -> str:
    return "1 job" if jobs == 1 else f"{jobs:,} jobs"


def _input_node(name: str, value: Any, used: bool) -> Node:
    return Node(f"inputs.{name}", name, frozenset(), [_kind(value) + ("" if used else ", which the plan does not use")])


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list of 1 item" if len(value) == 1 else f"a list of {len(value):,} items"
    if isinstance(value, str):
        return f"a text of {len(value):,} characters" if len(value) > 40 else f'"{value}"'
    return f"fields: {', '.join(value)}" if isinstance(value, dict) else written(value)


def _step_node(step: Step, uses: frozenset[str], cost: Cost, grounded: Sequence[Grounding]) -> Node:
    each = f"for each {step.map.item} of {written(step.map.over)}: " if step.map else ""
    args = ", ".join(f"{name} = {written(value)}" for name, value in step.args.items())
    found = [
        f'{written(each.value)} is read from "{each.source}"' + (f" by {each.by}" if each.by else "")
        for each in grounded
        if each.step == step.id and each.source
    ]
    return Node(step.id, f"{step.id} {step.type}", uses, [each + args, *found], jobs_words(cost.steps[step.id]))


def _uses(step: Step, inputs: Json) -> frozenset[str]:
    over = step.map.over if step.map else None
    own = {step.map.item} if step.map else set()
    return frozenset(each for each in _sources([step.args, over], inputs) if each not in own) | set(step.after)


def _sources(template: Any, inputs: Json) -> frozenset[str]:
    """The nodes that the references in `template` lead to; a reference to `inputs` alone leads to all of them."""
    return frozenset(source for path in references.find(template) for source in _source(path, inputs))


def _source(path: str, inputs: Json) -> Iterable[str]:
    head, *names = references.parts(path)
    if head != references.INPUTS:
        return [head]
    return [f"{head}.{name}" for name in (names[:1] if names[:1] and names[0] in inputs else inputs)]


def _ordered(steps: Sequence[Step]) -> list[Step]:
    """Each behind what it needs; else as they are written."""
    left, done = list(steps), list[Step]()
    while left:
        names = {step.id for step in done}
        ready = next(step for step in left if step.needs() <= names)
        left.remove(ready)
        done.append(ready)
    return done


def _lane(of: Node, node: Node, number: int, last: Mapping[str, int]) -> str:
    """How the lane of an earlier node passes the row of `node`."""
    ends = last.get(of.name, -1) <= number
    if of.name in node.uses:
        return "╰" if ends else "├"
    return " " if ends else "│"


def _going_on(of: Node, number: int, last: Mapping[str, int]) -> str:
    return "│" if last.get(of.name, -1) > number else " "


def _joined(lanes: Sequence[str], begins: bool) -> str:
    """The lanes and, from the first that is used on, a line to the node: it joins those used, and crosses the others.

    `begins`: whether a lane of the node's own begins here.
    """
    first = next((place for place, lane in enumerate(lanes) if lane in "╰├"), len(lanes))
    before = "".join(f"{lane} " for lane in lanes[:first])
    if first == len(lanes):
        return before + "●" if begins else before.rstrip()
    crossed = "".join("─" + _CROSSED[lane] for lane in lanes[first + 1 :])
    return f"{before}{lanes[first]}{crossed}▶" + ("●" if begins else "")


#: A lane to the right of the first one that is used.
_CROSSED = {"╰": "┴", "├": "┼", "│": "│", " ": "─"}


def _between(lanes: Sequence[str]) -> str:
    return " ".join(lanes).rstrip()


def _wrapped(lines: Iterable[str], width: int) -> list[str]:
    return [part for line in lines for part in (textwrap.wrap(line, width) or [""])]
