"""Features: numbers that say how one plan answers the whole goal. They are not weighed here. Knows no scorer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from specialists.planning.evidence.logistic import logit
from specialists.planning.evidence.owners import evidence_of
from specialists.planning.normal.references import references
from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import Beliefs
from specialists.planning.parts.candidate import Candidate, wants_used
from specialists.planning.parts.core import ALONE, Application
from specialists.planning.words.amounts import dates, numbers
from specialists.planning.words.spans import quoted, says_not

#: A text of this many words that a plan takes from the goal is a passage.
PASSAGE_WORDS = 5
LEAST = 1e-3  #: the least probability whose logarithm counts
CERTAIN = 0.9  #: the probability that stands for a plan that has no part of the kind
HELPER = 0.1  #: a job type less likely than this is there to help another

Features = dict[str, float]


class Goal:
    """The things in a goal that a plan should make use of."""

    def __init__(self, request: Request) -> None:
        self._request = request
        said = numbers(request.goal)
        self._figures = {str(each.value) for each in said if any(map(str.isdigit, each.words))}
        self._counted = {str(each.value) for each in said if not any(map(str.isdigit, each.words))}
        self._dates = {day for day, _ in dates(request.goal)}
        self._quoted = set(quoted(request.goal))
        self._inputs = {given.name for given in request.given}
        self._negates = says_not(request.goal)

    def features(self, candidate: Candidate, beliefs: Beliefs, best: float) -> Features:
        """`best`: the largest score of any candidate."""
        applications = candidate.core.applications if candidate.core else ()
        return {
            **_found(candidate, best),
            **self._left_out(candidate),
            **_literals(applications),
            **_form(candidate, applications, beliefs),
            **_likelihoods(candidate, applications, beliefs),
            **self._selections(candidate),
        }

    def _left_out(self, candidate: Candidate) -> Features:
        """How much of what the goal says is missing from the plan."""
        said = [str(each) for step in candidate.steps for each in self._said_by(step)]
        used = {
            path.split(".")[1] for step in candidate.steps for path in references(step) if path.startswith("inputs.")
        }
        return {
            "inputs": float(len(self._inputs - used)),
            "figures": _unsaid(self._figures, said),
            "counted": _unsaid(self._counted, said),
            "dates": _unsaid(self._dates, said),
            "quoted": _unsaid(self._quoted, said),
        }

    def _said_by(self, step: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the literals of a step; the field that a function takes does not count as one."""
        offer = self._request.by_name.get(step["type"])
        is_function = step["type"] in FUNCTIONS and (offer is None or offer.function)
        for name, value in step["args"].items():
            if not (is_function and name in ("field", "on")):
                yield from _values(value)

    def _selections(self, candidate: Candidate) -> Features:
        """Whether the plan selects as the goal says, and as the owners of labels say."""
        negated = any(each.negate for _, each in candidate.conditions)
        agree, differ = self._owners_say(candidate)
        return {
            "not_negated": float(self._negates and bool(candidate.conditions) and not negated),
            "negated": float(negated and not self._negates),
            "owners_agree": agree,
            "owners_differ": differ,
        }

    def _owners_say(self, candidate: Candidate) -> tuple[float, float]:
        """The highest confidence of an owner in a value that the plan selects by, and in another value in its place."""
        told = [
            evidence_of(self._request.heard or (), each.owner, each.field, each.value)
            for _, each in candidate.conditions
        ]
        return max((e["heard_sure"] for e in told), default=0.0), max((e["heard_other"] for e in told), default=0.0)


def _found(candidate: Candidate, best: float) -> Features:
    """The scores of the search."""
    core = candidate.core
    return {
        "search": candidate.score - best,
        "types": core.types if core else 0.0,
        "bind": core.bind if core else 0.0,
        "odd": core.odd if core else 0.0,
        "parts": candidate.parts,
        "wants": candidate.wants,
    }


def _literals(applications: Sequence[Application]) -> Features:
    """How many values the plan takes from the goal itself."""
    values = [a.literal for each in applications for _, a in each.arguments if a.place is None]
    texts = [each for each in values if isinstance(each, str)]
    return {
        "passages": float(sum(len(each.split()) >= PASSAGE_WORDS for each in texts)),
        "literals": float(len(values)),
    }


def _form(candidate: Candidate, applications: Sequence[Application], beliefs: Beliefs) -> Features:
    """The size and the form of the plan."""
    return {
        "applications": float(len(applications)),
        "helpers": float(sum(beliefs.types.get(each.offer.name, 0.0) < HELPER for each in applications)),
        "ends": float(len(candidate.ends) > 1),
        "alone": float(bool(applications) and all(each.frame == ALONE for each in applications)),
        "shown": float(len(candidate.core.shown) if candidate.core else 0),
        "steps": float(len(candidate.steps)),
    }


def _likelihoods(candidate: Candidate, applications: Sequence[Application], beliefs: Beliefs) -> Features:
    """How likely the plan's least likely parts are, and the likeliest parts that it leaves out."""
    used = {each.offer.name for each in applications}
    does = wants_used(candidate.core, candidate.ends) if candidate.core else set()
    wants = {name: p for name, p in beliefs.wants.items() if name != "impossible"}
    tallies = [end.tally.probability for end in candidate.ends if end.tally]
    return {
        "least_type": _least((beliefs.types.get(name, 0.0) for name in used), 1.0),
        "left_type": _most(p for name, p in beliefs.types.items() if name not in used),
        "least_condition": _least((each.probability for _, each in candidate.conditions), CERTAIN),
        "least_want": _least((p for name, p in wants.items() if name in does), CERTAIN),
        "left_want": _most(p for name, p in wants.items() if name not in does),
        "least_tally": _least(tallies, CERTAIN),
    }


def _least(probabilities: Iterable[float], none: float) -> float:
    return logit(min(probabilities, default=none), LEAST)


def _most(probabilities: Iterable[float]) -> float:
    return logit(max(probabilities, default=0.0), LEAST)


def _unsaid(values: Iterable[str], said: Sequence[str]) -> float:
    """How many of the values occur neither by themselves nor as words of a longer text."""
    return float(sum(not _is_said(each, said) for each in values))


def _is_said(value: str, said: Sequence[str]) -> bool:
    alone = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
    return any(alone.search(each) for each in said)


def _values(value: Any) -> Iterator[Any]:
    """Yield the literals in an argument."""
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
