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
    drafts: tuple[Draft, ...]  #: each of them compiles; the best is first
    reason: str


@dataclass(frozen=True)
class Refused:
    reason: str
    missing: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asking:
    """The planner asks for jobs before it makes a plan."""

    asks: tuple[Ask, ...]


#: The outcome of planning.
Decision = Accepted | Unsure | Refused | Asking


def decide(output: Json, confirm: Confirm, catalog: Catalog, inputs: Mapping[str, Any], limits: Limits) -> Decision:
    """Decide what follows from the planner's output; `confirm` is the caller's wish.

    The first plan that compiles is accepted; after the first one, `max_replans` more are tried. Raises PlanRefused if
    the output is no answer, and if no plan compiles, with the faults of every plan that was tried.
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
    """Whether a job can be made of `ask`. Its job type may be gone since the planner learned of it."""
    return ask.type in catalog and not catalog.get(ask.type).input_faults(ask.input)


def _compiled(
    drafts: Iterable[Draft], catalog: Catalog, inputs: Mapping[str, Any], limits: Limits
) -> list[tuple[Draft, Plan]]:
    """The drafts that compile, with their plans. Raises PlanRefused with all faults if none does."""
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
