"""What the contract tests of the ledger start from, and short words for what they do often."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.ledger.protocol import Ledger
from infra.listing import RunQuery
from infra.records import (
    Claim,
    Failure,
    FailureKind,
    Job,
    JobState,
    Outcome,
    Provenance,
    RunRecord,
    RunState,
)

RUN = RunRecord(id="r1", created_ms=1, body={"goal": "sort"})
LEASE_MS = 60_000
IDLE_MS = 500


@dataclass
class TimedLedger:
    """A ledger, and how to let its time pass."""

    ledger: Ledger
    passes: Callable[[int], None]
    now_ms: Callable[[], int]


def sleeps(ms: int) -> None:
    time.sleep((ms + 1) / 1000)


def a_job(index: int = 0, *, run_id: str = "r1", type: str = "triage", **fields: Any) -> Job:
    place = {"id": Job.name(run_id, "s1", index), "run_id": run_id, "step_id": "s1", "index": index}
    return Job.model_validate({"type": type, "input": {"text": "hello"}} | place | fields)


def counts(ledger: Ledger, job_type: str = "triage") -> dict[str, int]:
    """How many jobs of the type are where; nothing is said of where there are none."""
    depths = ledger.depths()[job_type]
    return {where: count for where, count in depths.items() if count and where != "oldest_ms"}


def success_of(claim: Claim, digest: str | None = None) -> Outcome:
    """`digest`: of the specialist that made it."""
    made = Provenance(worker="w1", specialist="triage@1", digest=digest, engine="scripted") if digest else None
    return _outcome(claim, state=JobState.SUCCEEDED, output={"label": "refund"}, provenance=made)


def failure_of(claim: Claim, kind: FailureKind = FailureKind.ENGINE) -> Outcome:
    return _outcome(claim, state=JobState.FAILED, failure=Failure(kind=kind, message="it did not work"))


def _outcome(claim: Claim, **ending: Any) -> Outcome:
    job = claim.job
    place = {"job_id": job.id, "run_id": job.run_id, "step_id": job.step_id, "index": job.index, "round": job.round}
    return Outcome.model_validate(place | {"attempt": claim.attempt} | ending)


def claimed(ledger: Ledger, job: Job, *, worker: str = "w1", lease_ms: int = LEASE_MS) -> Claim:
    claim = ledger.claim(job.id, worker, lease_ms)
    assert isinstance(claim, Claim), claim
    return claim


def succeeded(ledger: Ledger, job: Job, digest: str | None = None) -> Outcome:
    """Claimed, and committed with an output."""
    claim = claimed(ledger, job)
    outcome = success_of(claim, digest)
    assert ledger.commit(outcome, claim.token)
    return outcome


def failed(ledger: Ledger, job: Job, kind: FailureKind = FailureKind.ENGINE) -> Outcome:
    """Claimed, and committed with a failure that ends it."""
    claim = claimed(ledger, job)
    outcome = failure_of(claim, kind)
    assert ledger.commit(outcome, claim.token)
    return outcome


def taken(ledger: Ledger, count: int, weights: dict[str, float] | None = None, ageing_s: float = 1e9) -> list[str]:
    """The next `count` jobs of one type that go to the queue, each claimed at once."""
    ids: list[str] = []
    for _ in range(count):
        [(_, job_id)] = ledger.take_ready(1, weights or {}, ageing_s)
        assert isinstance(ledger.claim(job_id, "w1", LEASE_MS), Claim)
        ids.append(job_id)
    return ids


def outcomes_now(ledger: Ledger, limit: int = 100) -> list[Outcome]:
    return [outcome for _, outcome in ledger.outcomes("c1", limit, 0)]


def recent(ledger: Ledger, limit: int = 50) -> list[RunRecord]:
    """The newest runs first."""
    return [run for _, run in ledger.list_runs(RunQuery(limit=limit)).runs]


def state_of(ledger: Ledger, job: Job) -> JobState:
    status = ledger.job(job.id)
    assert status is not None
    return status.state


def ended(run: RunRecord, state: RunState = RunState.CANCELLED) -> RunRecord:
    return run.model_copy(update={"state": state})


def end_run(ledger: Ledger, run_id: str = "r1") -> RunRecord:
    """End a stored run; as it is stored then."""
    run = ledger.load_run(run_id)
    assert run is not None
    assert ledger.advance(ended(run, RunState.FAILED), [], [], [])
    return run.model_copy(update={"state": RunState.FAILED, "version": run.version + 1})
