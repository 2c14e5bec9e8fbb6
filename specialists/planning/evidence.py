"""What one probability says of another: beliefs put right by what else is believed. Fitted on goals held out.

A head sees one text beside the goal. That a goal has a likely value to select by says that it selects; that one job
type stands out says more than its number alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from specialists.planning.offered import Request
from specialists.planning.search import Beliefs

Evidence = dict[str, float]


def type_evidence(beliefs: Beliefs) -> dict[str, Evidence]:
    """For each job type: its own number, and how it stands among the others."""
    own = {name: _logit(p) for name, p in beliefs.types.items()}
    ranked = sorted(own.values(), reverse=True)
    best, second = [*ranked, -6.0, -6.0][:2]
    return {
        name: {"own": x, "behind": x - best, "ahead": x - second if x == best else 0.0, "first": float(x == best)}
        for name, x in own.items()
    }


def want_evidence(request: Request, beliefs: Beliefs) -> dict[str, Evidence]:
    """For each thing that a goal may want: its own number, its likeliest part, and what the inputs are."""
    parts = {"filter": max((each.probability for each in beliefs.conditions), default=0.0)}
    for tally in beliefs.tallies:
        parts[tally.function] = max(parts.get(tally.function, 0.0), tally.probability)
    ranked = sorted(beliefs.types.values(), reverse=True)
    lists = sum(given.kind == "array" for given in request.given)
    shared = {
        "selects": _logit(beliefs.wants.get("filter", 0.0)),
        "counts": _logit(beliefs.wants.get("count", 0.0)),
        "second": _logit([*ranked, 0.0, 0.0][1]),
        "best": _logit([*ranked, 0.0][0]),
        "no_list": float(lists == 0),
        "lists": float(lists > 1),
    }
    return {
        name: {"own": _logit(p), "part": _logit(parts.get(name, parts["filter"])), **shared}
        for name, p in beliefs.wants.items()
    }


def recalibrated(request: Request, beliefs: Beliefs, weights: Mapping[str, Any]) -> Beliefs:
    """`beliefs` with job types and wants put right; without weights as they are."""
    types, wants = dict(beliefs.types), dict(beliefs.wants)
    if "types" in weights:
        types = {name: _p(weights["types"], each) for name, each in type_evidence(beliefs).items()}
    if "wants" in weights:
        found = want_evidence(request, beliefs)
        wants = {name: _p(weights["wants"].get(name, {"own": 1.0}), found[name]) for name in wants}
    return replace(beliefs, types=types, wants=wants)


def _p(weights: Mapping[str, float], evidence: Evidence) -> float:
    x = weights.get("", 0.0) + sum(weight * evidence[name] for name, weight in weights.items() if name)
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))


def _logit(p: float) -> float:
    p = min(max(p, 2e-3), 1 - 2e-3)
    return math.log(p / (1 - p))
