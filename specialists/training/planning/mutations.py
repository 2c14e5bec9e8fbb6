"""Mutations: plans that a search makes of noisy beliefs, right and wrong ones, for the judge to tell apart.

A plan is right where its normal form is that of the plan that was written, however it says it.
"""

from __future__ import annotations

from random import Random

from specialists.planning.normal import normal
from specialists.planning.offered import Json, Request
from specialists.planning.search import search
from specialists.planning.texts import PlanWords
from specialists.training.planning.examples import Case, judge_case
from specialists.training.planning.naming import Naming
from specialists.training.planning.noise import noisy
from specialists.training.planning.offers import Offers
from specialists.training.planning.writing import WrittenGoal

#: Plans that the search is asked for.
SEARCHED = 14
#: Wrong ones of a case: the likeliest, and some of the rest.
LIKELIEST, REST, WRONG = 3, 3, 5


class Mutations:
    def __init__(self, offers: Offers) -> None:
        self._offers = offers

    def drawn(self, goal: WrittenGoal, draw: Random) -> Case | None:
        """Under names that are drawn, for training. None: there is no plan to judge."""
        return self._case(goal, self._offers.masked(goal, draw), draw)

    def whole(self, goal: WrittenGoal, draw: Random) -> Case | None:
        """Under the names that were written."""
        return self._case(goal, self._offers.plain(goal), draw)

    def _case(self, goal: WrittenGoal, naming: Naming, draw: Random) -> Case | None:
        request = self._offers.request(goal, naming)
        steps = naming.steps(goal.steps) if goal.steps is not None else None
        right, wrong = plans(request, steps, draw)
        said = PlanWords(request)
        words = dict.fromkeys((said.of(each) for each in right[:1]), True)
        for each in wrong:
            words.setdefault(said.of(each), False)
        return judge_case(request.words, list(words.items())) if words else None


def plans(request: Request, steps: list[Json] | None, draw: Random) -> tuple[list[list[Json]], list[list[Json]]]:
    """Right and wrong plans for a goal, each the likeliest first; at most `WRONG` wrong ones.

    `steps`: of the plan that was written; None: no plan is right. Where the search finds no right one, it is that one.
    """
    plan = normal(steps, request) if steps is not None else None
    right: list[list[Json]] = []
    wrong: list[list[Json]] = []
    for candidate in search(request, noisy(request, plan, steps, draw), SEARCHED):
        found = normal(candidate.steps, request)
        is_right = plan is not None and (found.uses, found.operations) == (plan.uses, plan.operations)
        (right if is_right else wrong).append(candidate.steps)
    if steps is not None and not right:
        right = [steps]
    rest = wrong[LIKELIEST:]
    wrong = wrong[:LIKELIEST] + draw.sample(rest, min(len(rest), REST))
    return right, wrong[:WRONG]
