"""The part of the ledger that goals need. Knows no goal."""

from __future__ import annotations

from typing import Protocol

from infra.ledger.protocols.job_types import TypeLoads, TypeStates
from infra.ledger.protocols.jobs import JobLister, JobReader, JobRelease
from infra.ledger.protocols.keys import QuotaMeter
from infra.ledger.protocols.runs import RunEvents, RunStore
from infra.ledger.protocols.saved_plans import SavedPlanReader
from infra.ledger.protocols.workers import WorkerRoster


class GoalLedger(
    RunStore,
    RunEvents,
    SavedPlanReader,
    JobReader,
    JobLister,
    JobRelease,
    TypeStates,
    TypeLoads,
    WorkerRoster,
    QuotaMeter,
    Protocol,
):
    """Runs with their events and jobs, saved plans, and the loads and quotas by which goals are admitted."""
