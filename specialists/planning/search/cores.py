"""Cores: the likeliest ways to apply several job types together, with helpers that feed them. Knows no ends.

A helper is a job type that the goal does not ask for; another job type needs its output.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product

from specialists.planning.offers.offer import Offer
from specialists.planning.parts.core import AGAIN, ALONE, OF, Application, Core, in_order, uses_item
from specialists.planning.parts.likelihood import log_of
from specialists.planning.search.applications import Applications
from specialists.planning.search.scope import Scope

CORES = 14
TOGETHER = 3  #: how many job types are chosen together at most
TWICE = 3  #: how many job types are tried twice, the likeliest first
DEEPEST_CHAIN = 3
BESIDE = 0.5  #: how much a choice of job types counts compared with the likeliest choice of that number
HELPER = 2.0  #: the cost of a helper
#: The cost of applying a type twice, and of showing outputs that another type already uses.
ODD_TWICE, ODD_SHOWN = -1.0, -0.5


class Cores:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._applications = Applications(scope)

    def likeliest(self) -> list[Core]:
        best: dict[str, Core] = {}
        for core in self._all():
            key = repr((core.shown, sorted((a.name, a.frame, a.arguments) for a in core.applications)))
            if key not in best or best[key].score < core.score:
                best[key] = core
        return heapq.nlargest(CORES, best.values(), key=lambda core: core.score)

    def _all(self) -> Iterator[Core]:
        if self._scope.record_lists:  # a core of functions alone
            yield Core((), (), self._types_score(()))
        for count in range(1, TOGETHER + 1):
            for chosen in combinations(self._scope.likely, count):
                yield from self._applied(chosen)
        yield from self._twice()

    def _twice(self) -> Iterator[Core]:
        """Yield cores that apply one job type twice: to two inputs, or to two fields of one input."""
        for offer in self._scope.likely[:TWICE]:
            ways = [way for way in self._applications.of(offer) if not way.feeds]
            for one, other in combinations(ways, 2):
                if one.frame != other.frame or one.frame != ALONE:
                    pair = (one, replace(other, again=True))
                    types = self._types_score([offer.name])
                    yield Core(pair, (offer.name, offer.name + AGAIN), types, one.score + other.score, ODD_TWICE)

    def _applied(self, chosen: Sequence[Offer]) -> Iterator[Core]:
        """Yield cores that apply all of `chosen`, with the helpers that feed them."""
        for picked in product(*[self._applications.of(offer) for offer in chosen]):
            if ordered := self._with_helpers(picked):
                yield from self._shown(chosen, ordered)

    def _shown(self, chosen: Sequence[Offer], ordered: Sequence[Application]) -> Iterator[Core]:
        """Yield a core that shows the outputs no other job type uses, and one that shows all chosen outputs."""
        bind, types = sum(each.score for each in ordered), self._types_score([a.name for a in ordered])
        fed = {name for each in ordered for name in each.feeds}
        ends = tuple(offer.name for offer in chosen if offer.name not in fed)
        yield Core(tuple(ordered), ends, types, bind)
        if len(ends) < len(chosen):
            yield Core(tuple(ordered), tuple(offer.name for offer in chosen), types, bind, ODD_SHOWN)

    def _with_helpers(self, picked: Sequence[Application]) -> list[Application] | None:
        """Return the applications and helpers in an order in which they can run; None if a feeder is impossible."""
        applications = {application.name: application for application in picked}
        if not all(self._feed(application, applications, 0) for application in picked):
            return None
        ordered = in_order(applications)
        if ordered is None or not all(uses_item(each, applications) for each in ordered):
            return None
        return ordered

    def _feed(self, application: Application, applications: dict[str, Application], depth: int) -> bool:
        """Add feeders to `application`, in its frame or alone; return False if one of them cannot feed it."""
        for name in application.feeds:
            if name in applications:
                if not self._may_feed(applications[name], application):
                    return False
                continue
            helper = self._helper(name, application) if depth < DEEPEST_CHAIN else None
            if helper is None:
                return False
            applications[name] = helper
            if not self._feed(helper, applications, depth + 1):
                return False
        return True

    def _helper(self, name: str, application: Application) -> Application | None:
        """The likeliest way to apply the job type `name` so that it feeds `application`."""
        ways = self._applications.of(self._scope.request.by_name[name])
        return next((way for way in ways if self._may_feed(way, application)), None)

    def _may_feed(self, feeder: Application, application: Application) -> bool:
        """Whether the output of `feeder` is available to `application`: for the same item, or once for all items.

        If the application goes over a list that each of many items gave, the lists are first made one flat list.
        """
        if application.frame.startswith(f"{feeder.name}{OF}"):
            return feeder.frame == ALONE or "flatten" in self._scope.functions
        return feeder.frame in (application.frame, ALONE)

    def _types_score(self, used: Iterable[str]) -> float:
        """How likely exactly these job types are: half alone, half compared with the likeliest choice of their number.

        What a goal wants says better how many types it needs than the probabilities of single types do.
        """
        names = {name.removesuffix(AGAIN) for name in used}
        likely = {offer.name for offer in self._scope.likely}
        helpers = names - likely
        own = self._types_log(names & likely)
        best = self._types_log({offer.name for offer in self._scope.likely[: len(names & likely)]})
        return (1 - BESIDE) * own + BESIDE * (own - best) - HELPER * len(helpers)

    def _types_log(self, names: set[str]) -> float:
        score = 0.0
        for offer in self._scope.likely:
            p = self._scope.likelihood(offer)
            score += log_of(p) if offer.name in names else log_of(1 - p)
        return score
