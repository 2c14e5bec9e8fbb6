"""Planning: from the planner's answer to a plan that runs, plans that wait for a yes, or a refusal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.plans.answer import Ask, Confirm, Draft, Kind, read_answer
from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import Limits, Plan, PlanRefused
from infra.records import Json
from specialists.catalog import Catalog


@dataclass(frozen=True)
class Accepted:
    plan: Plan
    draft: Draft


@dataclass(frozen=True)
class Unsure:
    drafts: tuple[Draft, ...]  #: each compiles; the best first
    reason: str


@dataclass(frozen=True)
class Refused:
    reason: str
    missing: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asking:
    """Jobs to do before there is a plan."""

    asks: tuple[Ask, ...]


#: What the planner's output comes to.
Decision = Accepted | Unsure | Refused | Asking


def decide(output: Json, confirm: Confirm, catalog: Catalog, inputs: Mapping[str, Any], limits: Limits) -> Decision:
    """What the planner's output comes to, for a caller who has said when to `confirm`.

    Its first plan that compiles is accepted; of those after the first, `max_replans` are tried. Raises PlanRefused with
    the faults of every plan that was tried where none compiles, and where the output is no answer.
    """
    answer = read_answer(output)
    if answer.answer is Kind.REFUSED:
        return Refused(answer.reason, answer.missing, answer.nearest)
    if answer.answer is Kind.ASK:
        if not answer.asks:
            raise PlanRefused(["the planner's answer: asks nothing"])
        return Asking(answer.asks)
    waits = confirm is Confirm.ALWAYS or (confirm is Confirm.IF_UNSURE and answer.answer is Kind.UNSURE)
    tried = answer.plans if waits else answer.plans[: limits.max_replans + 1]
    compiled = _compiled(tried, catalog, inputs, limits)
    if waits:
        return Unsure(tuple(draft for draft, _ in compiled), answer.reason)
    draft, plan = compiled[0]
    return Accepted(plan, draft)


def is_askable(ask: Ask, catalog: Catalog) -> bool:
    """Whether a job can be made of it: its job type may be gone since the planner was told of it."""
    return ask.type in catalog and not catalog.get(ask.type).input_faults(ask.input)


def _compiled(
    drafts: Iterable[Draft], catalog: Catalog, inputs: Mapping[str, Any], limits: Limits
) -> list[tuple[Draft, Plan]]:
    """Those that compile. Raises PlanRefused with all faults where none does."""
    found: list[tuple[Draft, Plan]] = []
    faults: list[str] = []
    for draft in drafts:
        try:
            found.append((draft, compile_plan(draft.plan, catalog, inputs, limits)))
        except PlanRefused as refused:
            faults += refused.faults
    if not found:
        raise PlanRefused(dict.fromkeys(faults) or ["the planner's answer: holds no plan"])
    return found
