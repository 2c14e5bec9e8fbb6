"""Quotas: how much a tenant may ask for. A request is let in within them, and told when to come back. Knows no HTTP.

The jobs that a request brings at once are taken of the quota, or the request is refused. The jobs that its goal brings
later are never refused: they are charged, and requests that come after them find less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil

from coordinator.keys.caller import current
from coordinator.keys.windows import clear_s, left, room_s, used
from infra.access import Quota, Spend, Spent
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.protocols.keys import QuotaMeter
from infra.records import Job

#: For how long a quota is taken as it was when it was last looked up.
KEPT_S = 5.0
#: How many tenants are remembered.
MOST = 10_000
#: The time to come back in where as many runs go on as may: nobody knows when one ends.
RUNNING_S = 10
MINUTE_S, DAY_S = 60, 24 * 3600


class OverQuota(Exception):
    """The tenant has used up its quota. `faults` has a sentence for each bound."""

    def __init__(self, faults: list[str], retry_after_s: int | None) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
        self.retry_after_s = retry_after_s  #: None if the request is larger than the quota, so that it never fits


class Quotas:
    def __init__(self, meter: QuotaMeter, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._clock = clock
        self._known: dict[str, tuple[float, Quota | None]] = {}  #: tenant -> when it was looked up, and its quota

    @contextmanager
    def entering(self, tenant: str, run_id: str, jobs: Sequence[Job]) -> Iterator[None]:
        """Take what the run's first jobs need, for a block that stores the run. Raises OverQuota, LedgerUnavailable.

        What was taken is given back if the block fails, unless the ledger is away: the run may be stored then."""
        quota = self._of(tenant)
        if quota is None:
            yield
            return
        spends = spends_of(quota, jobs)
        spent = self._meter.spend(tenant, run_id, spends, quota.running)
        tell(quota, spends, spent)
        if spent.refused or not spent.enters:
            raise _over(quota, spends, spent)
        try:
            yield
        except LedgerUnavailable:
            raise
        except Exception:
            self._meter.give_back(tenant, run_id, spends)
            raise

    def charge(self, tenant: str, jobs: Sequence[Job]) -> None:
        """Take what later jobs of an accepted goal need. Raises LedgerUnavailable."""
        if jobs and (quota := self._of(tenant)) and (spends := spends_of(quota, jobs)):
            self._meter.charge(tenant, spends)

    def _of(self, tenant: str) -> Quota | None:
        known, now_s = self._known.get(tenant), self._clock()
        if known is None or now_s - known[0] >= KEPT_S:
            if len(self._known) >= MOST:
                self._known = {}
            known = self._known[tenant] = now_s, self._meter.quota(tenant)
        return known[1]


def spends_of(quota: Quota, jobs: Sequence[Job]) -> list[Spend]:
    """What the jobs take of each window that has a bound."""
    tokens = sum(job.tokens for job in jobs)
    windows = (
        ("jobs-minute", quota.jobs_a_minute, MINUTE_S, len(jobs)),
        ("jobs-day", quota.jobs_a_day, DAY_S, len(jobs)),
        ("tokens-minute", quota.tokens_a_minute, MINUTE_S, tokens),
        ("tokens-day", quota.tokens_a_day, DAY_S, tokens),
    )
    return [Spend(name, limit, window_s, amount) for name, limit, window_s, amount in windows if limit is not None]


def tell(quota: Quota, spends: Sequence[Spend], spent: Spent) -> None:
    """Note for the caller what is left, as the headers RateLimit and RateLimit-Policy tell it (the IETF's draft)."""
    caller = current()
    if caller is None:
        return
    policy = [f'"{each.name}";q={each.limit};w={each.window_s}' for each in spends]
    usage = [
        f'"{each.name}";r={left(window, each)};t={clear_s(window)}'
        for each, window in zip(spends, spent.windows, strict=True)
    ]
    if quota.running is not None:
        policy.append(f'"running";q={quota.running}')
        usage.append(f'"running";r={max(0, quota.running - spent.running)}')
    caller.policy, caller.usage = ", ".join(policy), ", ".join(usage)


def _over(quota: Quota, spends: Sequence[Spend], spent: Spent) -> OverQuota:
    full = [(spends[place], spent.windows[place]) for place in spent.refused]
    faults = [
        f"{each.name}: {used(window, each)} of {each.limit} are used, and the request needs {each.amount}"
        for each, window in full
    ]
    waits = [room_s(window, each) for each, window in full]
    if not spent.enters:
        faults.append(f"running: {spent.running} of {quota.running} goals and single jobs go on")
        waits.append(RUNNING_S)
    known = [wait for wait in waits if wait is not None]
    return OverQuota(faults, max(1, ceil(max(known))) if len(known) == len(waits) else None)
