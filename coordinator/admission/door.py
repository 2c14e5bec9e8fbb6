"""The door: lets requests in, or says when to come back. Knows the ledger's loads; `admission.decide` decides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from prometheus_client import Counter

from coordinator.admission.backlog import Backlog
from coordinator.admission.decide import Bid, Bounds, Fault, Promised, Why, faults, joined, promised_s, retry_after_s
from coordinator.admission.promises import Key, Promise, Promises
from infra.ledger.protocols.job_types import TypeLoads
from infra.metrics import Meter
from infra.settings import Settings
from specialists.catalog import Catalog


class NotAdmitted(Exception):
    """The request is not let in, now or ever. `faults` says everything that keeps it out."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = [fault.sentence for fault in faults]
        self.why = min((fault.why for fault in faults), key=list(Why).index)
        self.retry_after_s = retry_after_s(faults)  #: None if coming back does not help
        super().__init__("; ".join(self.faults))


def refusals_counter(meter: Meter) -> Counter:
    return meter.counter(
        "refusals", "Requests that were not let in; `reason` says why, for the job type.", "job_type", "reason"
    )


class Door:
    """Admits requests. Jobs that are entering count as waiting already, so that requests that come at the same moment
    cannot all pass one bound. Requests that enter through other processes at that moment are not seen."""

    def __init__(
        self,
        ledger: TypeLoads,
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
        self._watches: list[list[Bid]] = []
        self._lock = Lock()

    @contextmanager
    def entering(self, bids: Sequence[Bid], name: str | None = None) -> Iterator[None]:
        """Let the bids enter for as long as their run is being stored. Raises NotAdmitted.

        A refused caller that gave a `name` reserves capacity from the time on when it was told to come back. With the
        same name it is then let in before callers that were told a later time, and before new callers.
        """
        self._admit(bids, name)
        try:
            yield
        finally:
            with self._lock:
                for bid in bids:
                    self._entering.remove(bid)

    def backlogs(self, types: Sequence[str]) -> dict[str, Backlog]:
        """The backlogs of the job types as they are now."""
        return {name: Backlog(load, self._settings.tenant_weights) for name, load in self._ledger.loads(types).items()}

    def _admit(self, bids: Sequence[Bid], name: str | None) -> None:
        with self._watch() as seen:
            backlogs = self.backlogs([bid.type for bid in bids])
            with self._lock:
                self._judge(
                    bids, {job_type: _with(backlog, job_type, seen) for job_type, backlog in backlogs.items()}, name
                )
                for each in (self._entering, *self._watches):
                    each += bids

    @contextmanager
    def _watch(self) -> Iterator[list[Bid]]:
        """The bids that are entering now, to which all bids are added that are let in while the list is watched.

        Loads that are read from the ledger meanwhile may include them or not. A bid that is counted twice keeps others
        out for a moment; a bid that is not counted at all would let too many in.
        """
        with self._lock:
            seen = list(self._entering)
            self._watches.append(seen)
        try:
            yield seen
        finally:
            with self._lock:
                self._watches = [each for each in self._watches if each is not seen]

    def _judge(self, bids: Sequence[Bid], backlogs: Mapping[str, Backlog], name: str | None) -> None:
        found = [fault for bid in bids for fault in self._faults(bid, backlogs[bid.type], name)]
        if found:
            for fault in found:
                self._refusals.labels(fault.type, fault.why).inc()
            if name:
                self._promise(bids, found, name)
            raise NotAdmitted(found)

    def _faults(self, bid: Bid, backlog: Backlog, name: str | None) -> list[Fault]:
        promised = self._promised((bid.type, None), backlog.per_s(), name)
        tenants = self._promised((bid.type, bid.tenant), backlog.per_s(bid.tenant), name)
        return faults(bid, backlog, self._bounds(bid), promised, tenants)

    def _promised(self, key: Key, per_s: float | None, name: str | None) -> Promised:
        return self._promises.before(key, self._promises.redeem(key, name), self._now_s(), per_s)

    def _promise(self, bids: Sequence[Bid], found: Sequence[Fault], name: str) -> None:
        """Reserve capacity in each backlog that is too long, from the time to come back on, unless that is a guess."""
        after_s, now_s = promised_s(found), self._now_s()
        if after_s is None:
            return
        for bid in bids:
            whys = {fault.why for fault in found if fault.type == bid.type}
            if whys:  # a tenant that is over its own bound reserves nothing of the backlog that all share
                key = (bid.type, bid.tenant if Why.TENANT_BACKLOG in whys else None)
                promise = Promise(name, bid.tenant, bid.jobs, now_s + after_s)
                self._promises.make(key, promise, self._bounds(bid), now_s)

    def _bounds(self, bid: Bid) -> Bounds:
        tenant = self._settings.tenants.get(bid.tenant)
        of_type = self._catalog.get(bid.type).manifest.limits.backlog
        return Bounds(
            backlog=of_type or self._settings.backlog,
            tenant_backlog=(tenant and tenant.backlog) or self._settings.tenant_backlog,
        )


def _with(backlog: Backlog, job_type: str, bids: Sequence[Bid]) -> Backlog:
    return Backlog(joined(backlog.load, [bid for bid in bids if bid.type == job_type]), backlog.weights)
