"""Ranking: which of the plans that the search found is likeliest, by what each makes of the whole goal.

The search adds up what is believed of a plan's parts. Here the plan is looked at as a whole: whether it leaves out an
input, a number or a quotation of the goal, and how large it is. Weights are fitted on goals held out. Knows no scorer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from specialists.planning.evidence.logistic import logit
from specialists.planning.evidence.owners import evidence_of
from specialists.planning.normal.references import references
from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.parts.candidate import Candidate, wants_used
from specialists.planning.parts.core import ALONE
from specialists.planning.words.amounts import dates, numbers
from specialists.planning.words.spans import quoted, says_not

#: Words from which a text that a plan takes from the goal is a passage.
PASSAGE_WORDS = 5
LEAST = 1e-3  #: of a probability whose logarithm counts
#: Without weights: what the search itself says.
AS_FOUND: Mapping[str, float] = {"search": 1.0}


class Ranked(NamedTuple):
    candidate: Candidate
    features: dict[str, float]
    score: float


def ranked(
    request: Request, beliefs: Beliefs, candidates: Sequence[Candidate], weights: Mapping[str, float]
) -> list[Ranked]:
    """The likeliest first."""
    goal = _Goal(request)
    best = max((each.score for each in candidates), default=0.0)
    found = []
    for each in candidates:
        features = goal.features(each, beliefs, best)
        score = sum(weight * features[name] for name, weight in weights.items())
        found.append(Ranked(each, features, score))
    return sorted(found, key=lambda each: -each.score)


class _Goal:
    """What a goal holds that a plan should make use of."""

    def __init__(self, request: Request) -> None:
        self._request = request
        said = numbers(request.goal)
        self._figures = {str(each.value) for each in said if any(map(str.isdigit, each.words))}
        self._counted = {str(each.value) for each in said if not any(map(str.isdigit, each.words))}
        self._dates = {day for day, _ in dates(request.goal)}
        self._quoted = set(quoted(request.goal))
        self._inputs = {given.name for given in request.given}
        self._negates = says_not(request.goal)

    def features(self, candidate: Candidate, beliefs: Beliefs, best: float) -> dict[str, float]:
        said = [str(each) for step in candidate.steps for each in self._said_by(step)]
        used = {
            path.split(".")[1] for step in candidate.steps for path in references(step) if path.startswith("inputs.")
        }
        core, ends = candidate.core, candidate.ends
        applications = core.applications if core else ()
        literals = [a.literal for each in applications for _, a in each.arguments if a.place is None]
        texts = [each for each in literals if isinstance(each, str)]
        least = min((beliefs.types.get(each.offer.name, 0.0) for each in applications), default=1.0)
        left = max(
            (p for name, p in beliefs.types.items() if all(a.offer.name != name for a in applications)), default=0.0
        )
        conditions = [each.probability for _, each in candidate.conditions]
        does = wants_used(core, ends) if core else set()
        others = {name: p for name, p in beliefs.wants.items() if name != "impossible"}
        negated = any(each.negate for _, each in candidate.conditions)
        agree, differ = self._owners_say(candidate)
        tallies = [end.tally.probability for end in ends if end.tally]
        return {
            "search": candidate.score - best,
            "types": core.types if core else 0.0,
            "bind": core.bind if core else 0.0,
            "odd": core.odd if core else 0.0,
            "parts": candidate.parts,
            "wants": candidate.wants,
            "inputs": float(len(self._inputs - used)),
            "figures": float(sum(not _is_said(each, said) for each in self._figures)),
            "counted": float(sum(not _is_said(each, said) for each in self._counted)),
            "dates": float(sum(not _is_said(each, said) for each in self._dates)),
            "quoted": float(sum(not _is_said(each, said) for each in self._quoted)),
            "passages": float(sum(len(each.split()) >= PASSAGE_WORDS for each in texts)),
            "literals": float(len(literals)),
            "applications": float(len(applications)),
            "helpers": float(sum(beliefs.types.get(each.offer.name, 0.0) < 0.1 for each in applications)),
            "ends": float(len(ends) > 1),
            "alone": float(bool(applications) and all(each.frame == ALONE for each in applications)),
            "shown": float(len(core.shown) if core else 0),
            "least_type": logit(least, LEAST),
            "left_type": logit(left, LEAST),
            "least_condition": logit(min(conditions, default=0.9), LEAST),
            "least_want": logit(min((p for name, p in others.items() if name in does), default=0.9), LEAST),
            "left_want": logit(max((p for name, p in others.items() if name not in does), default=0.0), LEAST),
            "not_negated": float(self._negates and bool(conditions) and not negated),
            "negated": float(negated and not self._negates),
            "owners_agree": agree,
            "owners_differ": differ,
            "least_tally": logit(min(tallies, default=0.9), LEAST),
            "steps": float(len(candidate.steps)),
        }

    def _owners_say(self, candidate: Candidate) -> tuple[float, float]:
        """How sure owners of labels are, at most, of a value that the plan selects by, and of others in its place."""
        told = [
            evidence_of(self._request.heard or (), each.owner, each.field, each.value)
            for _, each in candidate.conditions
        ]
        return max((e["heard_sure"] for e in told), default=0.0), max((e["heard_other"] for e in told), default=0.0)

    def _said_by(self, step: Mapping[str, Any]) -> Iterator[Any]:
        """The literals of a step; which field a function takes is none."""
        offer = self._request.by_name.get(step["type"])
        is_function = step["type"] in FUNCTIONS and (offer is None or offer.function)
        for name, value in step["args"].items():
            if not (is_function and name in ("field", "on")):
                yield from _values(value)


def _is_said(value: str, said: Sequence[str]) -> bool:
    """By itself, or as words of a longer text."""
    alone = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
    return any(alone.search(each) for each in said)


def _values(value: Any) -> Iterator[Any]:
    """The literals in an argument."""
    if isinstance(value, dict):
        if set(value) == {"$ref"}:
            return
        for each in value.values():
            yield from _values(each)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each)
    elif not isinstance(value, bool):
        yield value
