"""The whole ledger: what is true of runs and jobs. Knows nothing of plans, prompts or the queue's messages.

A user of the ledger asks for the protocol of `infra.ledger.protocols` that it needs. `Ledger` is all of them in one,
which has two implementations and one body of contract tests: `infra.ledger.redis.ledger` is the product's, and
`infra.ledger.memory.ledger` is its twin for tests. Delivery is at least once; commits are exactly once. Every method
may be called from any thread and any process.

Every method is atomic, except for those that concern many jobs. These are done in pieces, so that they hold up nobody:
`release`, `cancel`, `purge`, `take_ready` and `sweep`; and also what follows from an `advance` that ends a run, from a
`reopen`, and from a `commit` whose output other jobs wait for. If a crash cuts one off between two pieces, the caller's
repeat or the next `sweep` does the rest.

Every method may be repeated when its answer was lost, and does nothing twice, except for `spend`. The repeat answers as
follows:

- `create_run`, `commit` and `hand_back` say the same again, or which run was created under the key.
- `advance` and `reopen` say False, because the version has moved on.
- `release`, `cancel` and `purge` count what was left to do.
- `save_plan` says REPLACED, and `delete_plan` says False.
- `spend` counts again what it has counted: a quota is a bound on load, and may be used up a little early.
- `claim` says RUNNING until the lease runs out, and that costs an attempt.
- What a lost answer of `take_ready`, `sweep` or `outcomes` held comes again later, as it does after a crash. What a
  lost answer of `stops` held does not come again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from infra.ledger.protocols.claims import ClaimStops, LeaseRenewal, LoneClaims
from infra.ledger.protocols.connection import LedgerConnection
from infra.ledger.protocols.dead_letters import DeadLetterStore
from infra.ledger.protocols.job_types import JobCounts, TypeLoads, TypeSwitch
from infra.ledger.protocols.jobs import JobDispatch, JobLister, JobReader, JobRelease
from infra.ledger.protocols.keys import KeyStore, QuotaMeter, QuotaStore
from infra.ledger.protocols.outcomes import OutcomeBacklog, OutcomeStream
from infra.ledger.protocols.runs import OverdueRuns, RunEvents, RunStore
from infra.ledger.protocols.saved_plans import SavedPlanStore
from infra.ledger.protocols.workers import WorkerPresence, WorkerRoster
from infra.records import Commit

#: The form of an event's id: milliseconds and a number, or the milliseconds alone.
ENTRY_ID = re.compile(r"([0-9]{1,18})(?:-[0-9]{1,18})?")


def check_limit(limit: int) -> None:
    """Raises ValueError."""
    if limit <= 0:
        raise ValueError(f"a limit of {limit} asks for nothing; it must be above 0")


def check_order(weights: Mapping[str, float], ageing_s: float) -> None:
    """Raises ValueError."""
    for tenant, weight in weights.items():
        if not weight > 0:
            raise ValueError(f"tenant {tenant!r} has the weight {weight}; it must be above 0")
    if not ageing_s > 0:
        raise ValueError(f"a job cannot age in {ageing_s} s; it must be above 0")


def check_ends(commits: Iterable[Commit]) -> None:
    """Raises ValueError."""
    for outcome in (commit.outcome for commit in commits):
        if not outcome.state.ended:
            raise ValueError(f"job {outcome.job_id!r} cannot be committed as {outcome.state}: that is not an end")


class Ledger(
    RunStore,
    RunEvents,
    OverdueRuns,
    SavedPlanStore,
    JobReader,
    JobLister,
    JobRelease,
    JobDispatch,
    OutcomeStream,
    OutcomeBacklog,
    LoneClaims,
    ClaimStops,
    LeaseRenewal,
    WorkerPresence,
    WorkerRoster,
    TypeSwitch,
    JobCounts,
    TypeLoads,
    DeadLetterStore,
    KeyStore,
    QuotaStore,
    QuotaMeter,
    LedgerConnection,
    Protocol,
):
    """All that a ledger does, for its implementations and for the tests of these."""


class LedgerUnavailable(Exception):
    """The ledger does not answer; the caller may try again."""


class LedgerRefused(LedgerUnavailable):
    """The ledger answers, and refuses this user, key or command: trying again helps once somebody has mended that."""
