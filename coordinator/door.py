"""The door: lets requests in, or says when to come back. Knows the ledger's loads; `coordinator.admission` decides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from prometheus_client import Counter

from coordinator.admission import Bid, Bounds, Fault, Promised, Why, faults, joined, retry_after_s
from coordinator.line import Line
from coordinator.promises import Key, Promises
from infra.ledger import Ledger
from infra.metrics import Meter
from infra.settings import Settings
from specialists.catalog import Catalog


class NotAdmitted(Exception):
    """A request that is not let in now, or never; `faults` says everything that keeps it out."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = [fault.sentence for fault in faults]
        self.why = min((fault.why for fault in faults), key=list(Why).index)
        self.retry_after_s = retry_after_s(faults)  #: None: coming back does not help
        super().__init__("; ".join(self.faults))


def refusals_counter(meter: Meter) -> Counter:
    return meter.counter("refusals", "Requests not let in; `reason` is why, for the job type.", "job_type", "reason")


class Door:
    """What is entering counts as waiting already, so that those who come at once cannot all pass one bound. That holds
    within this process; of others, what enters at the same moment is not seen."""

    def __init__(
        self,
        ledger: Ledger,
        catalog: Catalog,
        settings: Settings,
        refusals: Counter | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._settings = settings
        self._refusals = refusals or refusals_counter(Meter())
        self._now_s = now_s
        self._promises = Promises()
        self._entering: list[Bid] = []
        self._lock = Lock()

    @contextmanager
    def entering(self, bids: Sequence[Bid], name: str | None = None) -> Iterator[None]:
        """While what the bids are for is stored. Raises NotAdmitted.

        Who gives a `name` and is refused has a place from when it was told to come back: who comes then with the same
        name is let in before those who were told a later time, and those who come first now.
        """
        with self._lock:
            before = list(self._entering)
            self._entering += bids
        try:
            self._admit(bids, before, name)
            yield
        finally:
            with self._lock:
                for bid in bids:
                    self._entering.remove(bid)

    def lines(self, types: Sequence[str]) -> dict[str, Line]:
        """As they are now."""
        return {name: Line(load, self._settings.tenant_weights) for name, load in self._ledger.loads(types).items()}

    def _admit(self, bids: Sequence[Bid], before: Sequence[Bid], name: str | None) -> None:
        lines = self.lines([bid.type for bid in bids])
        for bid in before:
            if bid.type in lines:
                lines[bid.type] = Line(joined(lines[bid.type].load, bid), lines[bid.type].weights)
        with self._lock:
            found = [fault for bid in bids for fault in self._faults(bid, lines[bid.type], name)]
            if found:
                self._refuse(bids, found, name)

    def _faults(self, bid: Bid, line: Line, name: str | None) -> list[Fault]:
        promised = self._promised((bid.type, None), line.per_s(), name)
        tenants = self._promised((bid.type, bid.tenant), line.per_s(bid.tenant), name)
        return faults(bid, line, self._bounds(bid), promised, tenants)

    def _promised(self, key: Key, per_s: float | None, name: str | None) -> Promised:
        now_s, due_s = self._now_s(), self._promises.redeem(key, name)
        jobs = self._promises.before(key, due_s, now_s)
        return Promised(jobs, self._promises.places(key, due_s, now_s, per_s) if per_s else 0.0)

    def _refuse(self, bids: Sequence[Bid], found: Sequence[Fault], name: str | None) -> None:
        for fault in found:
            self._refusals.labels(fault.type, fault.why).inc()
        refused = NotAdmitted(found)
        if refused.retry_after_s is not None:
            due_s = self._now_s() + refused.retry_after_s
            for bid in bids:
                self._promise(bid, name, {fault.why for fault in found if fault.type == bid.type}, due_s)
        raise refused

    def _promise(self, bid: Bid, name: str | None, why: set[Why], due_s: float) -> None:
        if why & {Why.BACKLOG, Why.DEADLINE}:
            self._promises.make((bid.type, None), name, bid.jobs, due_s)
        if Why.TENANT_BACKLOG in why:
            self._promises.make((bid.type, bid.tenant), name, bid.jobs, due_s)

    def _bounds(self, bid: Bid) -> Bounds:
        tenant = self._settings.tenants.get(bid.tenant)
        of_type = self._catalog.get(bid.type).manifest.limits.backlog
        return Bounds(
            backlog=of_type or self._settings.backlog,
            tenant_backlog=(tenant and tenant.backlog) or self._settings.tenant_backlog,
        )
