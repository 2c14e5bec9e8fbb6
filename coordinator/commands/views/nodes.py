"""The nodes of a plan's drawing: the inputs, the steps and the result, each with the nodes it uses. Draws nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.commands.views.costs import jobs_words
from coordinator.commands.views.values import written
from coordinator.plans import references
from coordinator.plans.answer import Grounding
from coordinator.plans.plan import Plan, Step
from coordinator.rehearsal.cost import Cost
from infra.records import Json

RESULT = "result"


@dataclass(frozen=True)
class Node:
    """An input, a step or the result, and the nodes that it uses."""

    name: str
    label: str
    uses: frozenset[str]
    lines: Sequence[str]  #: the text about it
    jobs: str = ""


def nodes_of(plan: Plan, inputs: Json, cost: Cost, grounded: Sequence[Grounding] = ()) -> list[Node]:
    """The nodes in order: the inputs first, then each step behind those that it uses, the result last."""
    used = {step.id: _uses(step, inputs) for step in plan.steps}
    everything = frozenset().union(*used.values(), _sources(plan.result, inputs))
    given = [_input_node(name, value, f"inputs.{name}" in everything) for name, value in inputs.items()]
    steps = [_step_node(step, used[step.id], cost, grounded) for step in _ordered(plan.steps)]
    return [*given, *steps, Node(RESULT, RESULT, _sources(plan.result, inputs), [])]


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
    """The steps, each behind those that it needs, and otherwise in the order of the plan."""
    left, done = list(steps), list[Step]()
    while left:
        names = {step.id for step in done}
        ready = next(step for step in left if step.needs() <= names)
        left.remove(ready)
        done.append(ready)
    return done
