"""Decides whether the jobs of a request may join the backlogs, and if not, when it may come back. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, inf

from coordinator.admission.backlog import Backlog
from infra.records import Job, Load, Priority, TypeState

#: The time to come back in if nothing says when it would help: the speed is not known, or a type is draining.
UNKNOWN_S = 10
#: The longest time to come back in.
LONGEST_S = 600
#: A predicted wait is a mean: of the jobs that are predicted to be just in time, half would be late. With this margin,
#: and with the time counted that a job runs, 1 of 666 jobs was late; without them 12 % were (2 cores, 2026-11).
MARGIN = 1.1


class Why(StrEnum):
    """Why a request is not let in. If there are several reasons, the first here gives the response its status."""

    TOO_MANY = "too_many"  #: it brings more jobs than may ever wait
    TENANT_BACKLOG = "tenant_backlog"  #: too many jobs of the tenant wait
    DRAINING = "draining"  #: the job type takes in no jobs
    BACKLOG = "backlog"  #: too many jobs wait
    DEADLINE = "deadline"  #: its jobs would be claimed or done too late


@dataclass(frozen=True)
class Bid:
    """The jobs of one type that a request brings."""

    type: str
    tenant: str
    priority: Priority
    jobs: int = 0  #: how many come at once; 0 if the request names the type but its jobs come later
    tokens: int = 0  #: the tokens of these jobs together
    within_s: float = inf  #: how soon the last of them must be claimed
    done_s: float = inf  #: how soon the last of them must be done


@dataclass(frozen=True)
class Bounds:
    backlog: int  #: how many jobs of the type may wait
    tenant_backlog: int  #: how many of them may be one tenant's


@dataclass(frozen=True)
class Promised:
    """Jobs that were told to come back before the caller that asks now, and that have not come yet."""

    jobs: int = 0
    reserved: float = 0.0  #: the jobs that must be able to join now, so that these can join when they are due


NOTHING = Promised()


@dataclass(frozen=True)
class Fault:
    type: str
    why: Why
    sentence: str
    retry_s: float | None  #: how long until it would be let in; None if never, or if it is not known


def bids(types: Iterable[str], jobs: Sequence[Job], tenant: str, priority: Priority, deadline_s: float) -> list[Bid]:
    """The bids of a request for its first `jobs`, and for the other `types` that it names."""
    by_type: dict[str, list[Job]] = {name: [] for name in sorted(set(types))}
    for job in jobs:
        by_type[job.type].append(job)
    return [
        Bid(name, tenant, priority, len(its), sum(job.tokens for job in its), _within_s(its), deadline_s)
        for name, its in by_type.items()
    ]


def _within_s(jobs: Sequence[Job]) -> float:
    return min((job.claim_within_s for job in jobs if job.claim_within_s is not None), default=inf)


def joined(load: Load, bids: Sequence[Bid]) -> Load:
    """The load with the bids' jobs added to those that wait."""
    ready = {priority: dict(tenants) for priority, tenants in load.ready.items()} if bids else load.ready
    for bid in bids:
        tenants = ready.setdefault(bid.priority, {})
        tenants[bid.tenant] = tenants.get(bid.tenant, 0) + bid.jobs
    return load.model_copy(update={"ready": ready, "tokens": load.tokens + sum(bid.tokens for bid in bids)})


def wait_s(bid: Bid, backlog: Backlog) -> float | None:
    """Seconds until the last of the bid's jobs is taken; None if it is not known."""
    behind = max(0, bid.jobs - 1)
    ahead = backlog.seconds(backlog.before(bid.tenant, bid.priority, behind) - behind)
    with_it = backlog.token_seconds(bid.tokens * behind / bid.jobs if bid.jobs else 0)
    return None if ahead is None or with_it is None else ahead + with_it


def faults(
    bid: Bid, backlog: Backlog, bounds: Bounds, promised: Promised = NOTHING, tenants: Promised = NOTHING
) -> list[Fault]:
    """Everything that keeps the bid out. `tenants`: the promises about the tenant's own bound.

    A bid without jobs is kept out only if its type is draining.
    """
    found = [
        _draining(bid, backlog),
        _too_many(bid, bounds) or _over_tenant_backlog(bid, backlog, bounds, tenants) if bid.jobs else None,
        _over_backlog(bid, backlog, bounds, promised) if bid.jobs else None,
        _deadline(bid, backlog, promised) if bid.jobs else None,
    ]
    return [fault for fault in found if fault]


def retry_after_s(found: Sequence[Fault]) -> int | None:
    """Whole seconds until all of the faults would be gone; None if coming back does not help."""
    if any(fault.why is Why.TOO_MANY for fault in found):
        return None
    longest = max(UNKNOWN_S if fault.retry_s is None else fault.retry_s for fault in found)
    return max(1, ceil(round(min(longest, LONGEST_S), 3)))


def promised_s(found: Sequence[Fault]) -> int | None:
    """Like `retry_after_s`, but None also if that would be no more than a guess."""
    known = all(fault.retry_s is not None and fault.retry_s <= LONGEST_S for fault in found)
    return retry_after_s(found) if known else None


def _draining(bid: Bid, backlog: Backlog) -> Fault | None:
    if backlog.load.state is not TypeState.DRAINING:
        return None
    return Fault(bid.type, Why.DRAINING, f"{bid.type}: is draining: what waits is done, and nothing taken in", None)


def _too_many(bid: Bid, bounds: Bounds) -> Fault | None:
    most = min(bounds.backlog, bounds.tenant_backlog)
    if bid.jobs <= most:
        return None
    return Fault(bid.type, Why.TOO_MANY, f"{bid.type}: {_jobs(bid.jobs)} at once; at most {most} may wait", None)


def _over_tenant_backlog(bid: Bid, backlog: Backlog, bounds: Bounds, promised: Promised) -> Fault | None:
    waiting = backlog.of(bid.tenant)
    over = waiting + bid.jobs - bounds.tenant_backlog
    if over + promised.reserved <= 0:
        return None
    said = f"{bid.type}: {_wait(waiting, f' of tenant {bid.tenant!r}')}{_and(promised)}"
    said += f"; at most {bounds.tenant_backlog} may"
    return Fault(bid.type, Why.TENANT_BACKLOG, said, _until_left(bid.tenant, over + promised.jobs, backlog))


def _over_backlog(bid: Bid, backlog: Backlog, bounds: Bounds, promised: Promised) -> Fault | None:
    waiting = backlog.load.jobs + backlog.load.pending
    over = waiting + bid.jobs - bounds.backlog
    if over + promised.reserved <= 0 or bid.jobs > bounds.backlog:
        return None
    said = f"{bid.type}: {_wait(waiting)}{_and(promised)}; at most {bounds.backlog} may"
    return Fault(bid.type, Why.BACKLOG, said, backlog.seconds(over + promised.jobs))


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


def _wait(count: int, whose: str = "") -> str:
    return f"{_jobs(count)}{whose} {'waits' if count == 1 else 'wait'}"


def _and(promised: Promised) -> str:
    if not promised.jobs:
        return ""
    return f", and {promised.jobs} {'was' if promised.jobs == 1 else 'were'} told to come back before"


def _until_left(tenant: str, own: int, backlog: Backlog) -> float | None:
    """Seconds until `own` jobs of the tenant have left. If fewer wait now, the rest are jobs that come back before."""
    beyond = max(0, own - backlog.of(tenant))
    return backlog.seconds(backlog.until(tenant, own - beyond) + beyond)


def _deadline(bid: Bid, backlog: Backlog, promised: Promised) -> Fault | None:
    wait = wait_s(bid, backlog)
    if wait is None:
        return None
    runs_s = backlog.runs_s() or 0.0
    late_s = _late_s(bid, MARGIN * (wait + (backlog.seconds(promised.reserved) or 0)), runs_s)
    if late_s <= 0:
        return None
    runs = f", and then it runs for {runs_s:.1f} s" if runs_s else ""
    said = f"{bid.type}: the wait is about {wait:.1f} s{runs}; {_may_take(bid)}"
    alone = wait_s(bid, Backlog(Load(tokens_per_s=backlog.load.tokens_per_s), backlog.weights))
    if alone is None or _late_s(bid, alone, 0.0) > 0:
        return Fault(bid.type, Why.DEADLINE, f"{said}, even where nothing else waits", None)
    return Fault(bid.type, Why.DEADLINE, said, late_s + (backlog.seconds(promised.jobs) or 0))


def _late_s(bid: Bid, wait: float, runs_s: float) -> float:
    """Seconds by which it would be claimed or done too late; at most 0 if it would be in time."""
    return max(wait - bid.within_s, wait + runs_s - bid.done_s)


def _may_take(bid: Bid) -> str:
    limits = {"be claimed within": bid.within_s, "be done within": bid.done_s}
    return "it must " + " and ".join(f"{what} {limit:g} s" for what, limit in limits.items() if limit < inf)
