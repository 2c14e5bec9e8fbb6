"""What goals need of the ledger. Knows no goal."""

from __future__ import annotations

from typing import Protocol

from infra.ledger.protocols.job_types import TypeLoads, TypeStates
from infra.ledger.protocols.jobs import JobReader, JobRelease
from infra.ledger.protocols.runs import RunEvents, RunStore
from infra.ledger.protocols.saved_plans import SavedPlanReader
from infra.ledger.protocols.workers import WorkerRoster


class GoalLedger(
    RunStore, RunEvents, SavedPlanReader, JobReader, JobRelease, TypeStates, TypeLoads, WorkerRoster, Protocol
):
    """Runs with their events and jobs, and what decides whether a goal is let in."""
