"""A worker whose message names several jobs: they are claimed and answered together, and each ends by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.queue.protocol import Redeliver
from infra.records import Claim, Commit, JobState, Outcome, Refusal
from specialists.specialist import Specialist, load_specialist
from tests.support.eventually import eventually
from tests.support.jobs import release, state_of, status_of
from workers.engines import Completion, EngineError, Finish, Request
from workers.engines.scripted import ScriptedEngine
from workers.metrics import WorkerMetrics
from workers.worker import Worker

WAIT_S = 20
MANIFEST = """
engine = "scripted"
[decoding]
format = "lines"
max_tokens = 8
"""
GOOD, ODD, STUCK = "all well", "odd", "stuck"  #: texts: answered, failed, not answered until cancelled


class Counted(MemoryLedger):
    """Counts its calls, and answers no commit while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.away = False

    def claim_all(
        self, job_ids: Sequence[str], worker: str, lease_ms: int, schemas: str | None = None
    ) -> list[Claim | Refusal]:
        self.calls.append("claim")
        return super().claim_all(job_ids, worker, lease_ms, schemas)

    def commit_all(self, commits: Sequence[Commit]) -> list[bool]:
        if self.away:
            raise LedgerUnavailable("no route")
        self.calls.append("commit")
        return super().commit_all(commits)


class Moody(ScriptedEngine):
    def __init__(self) -> None:
        super().__init__({"mood": "good"})
        self.stuck: dict[str, Future[Completion]] = {}

    def submit(self, request: Request) -> Future[Completion]:
        if STUCK in request.prompt:
            self.stuck[request.id] = Future()
            return self.stuck[request.id]
        if ODD in request.prompt:
            answered: Future[Completion] = Future()
            answered.set_exception(EngineError("it has no mood", retryable=False))
            return answered
        return super().submit(request)

    def cancel(self, request_id: str) -> None:
        if request_id in self.stuck:
            self.stuck[request_id].set_result(Completion("", Finish.CANCELLED))


@pytest.fixture
def ledger() -> Counted:
    return Counted()


@pytest.fixture
def engine() -> Iterator[Moody]:
    engine = Moody()
    yield engine
    engine.close()


@pytest.fixture
def mood(write_specialist: Callable[..., Path]) -> Specialist:
    input, output = {"text": {"type": "string", "maxLength": 100}}, {"mood": {"enum": ["good", "bad"]}}
    files = {"prompt.txt": "Text: {{text}}\nMood:"}
    return load_specialist(write_specialist("mood", MANIFEST, input, output, files))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def worker(ledger: Counted, engine: Moody, mood: Specialist, registry: CollectorRegistry) -> Iterator[Worker]:
    metrics = WorkerMetrics(registry)
    with Worker(ledger, [mood], {"mood": engine}, "mood-1@here", lease_s=5.0, slots=4, metrics=metrics) as worker:
        yield worker


def released(ledger: Counted, *texts: str, **fields: Any) -> list[str]:
    ids = release(ledger, "mood", [{"text": text} for text in texts], **fields)
    ledger.take_ready(100)
    return ids


def outcomes(ledger: Counted, ids: Sequence[str]) -> list[Outcome | None]:
    return [status_of(ledger, job_id).outcome for job_id in ids]


def test_all_jobs_of_a_bundle_are_claimed_by_one_call_and_committed_by_one(worker: Worker, ledger: Counted) -> None:
    ids = released(ledger, *[GOOD] * 30)
    assert worker.do(*ids) is None
    assert [outcome and outcome.output for outcome in outcomes(ledger, ids)] == [{"mood": "good"}] * 30
    assert ledger.calls == ["claim", "commit"]


def test_each_job_of_a_bundle_fails_by_itself(worker: Worker, ledger: Counted) -> None:
    ids = released(ledger, GOOD, ODD, GOOD)
    assert worker.do(*ids) == "1 of 3 jobs: engine"
    states = [state_of(ledger, job_id) for job_id in ids]
    assert states == [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED]


def test_a_lone_job_says_only_how_it_failed(worker: Worker, ledger: Counted) -> None:
    assert worker.do(*released(ledger, ODD)) == "engine"


def test_a_job_that_takes_long_holds_up_no_other_of_its_bundle(worker: Worker, ledger: Counted, engine: Moody) -> None:
    ids = released(ledger, GOOD, STUCK, GOOD)
    running = threading.Thread(target=worker.do, args=ids)
    running.start()
    eventually(lambda: [state_of(ledger, each) for each in (ids[0], ids[2])] == [JobState.SUCCEEDED] * 2)
    assert state_of(ledger, ids[1]) is JobState.RUNNING
    assert worker._about()["running"] == 1

    (stuck,) = engine.stuck.values()
    stuck.set_result(Completion("bad", Finish.STOP))
    running.join(WAIT_S)
    assert state_of(ledger, ids[1]) is JobState.SUCCEEDED


def test_a_cancelled_job_of_a_bundle_is_stopped_and_no_other(worker: Worker, ledger: Counted) -> None:
    ids = released(ledger, STUCK, STUCK, GOOD)
    running = threading.Thread(target=worker.do, args=ids)
    running.start()
    eventually(lambda: state_of(ledger, ids[2]) is JobState.SUCCEEDED)
    ledger.cancel(ids[:1])
    eventually(lambda: worker._about()["running"] == 1)
    assert state_of(ledger, ids[1]) is JobState.RUNNING
    ledger.cancel(ids[1:2])
    running.join(WAIT_S)
    assert not running.is_alive()


def test_a_job_of_a_bundle_past_its_time_out_ends_and_no_other(
    worker: Worker, ledger: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.attempt.OVERDUE_S", 0.0)
    ids = released(ledger, STUCK, GOOD, timeout_s=0.2)
    assert worker.do(*ids) == "1 of 2 jobs: timeout"
    assert [state_of(ledger, job_id) for job_id in ids] == [JobState.PENDING, JobState.SUCCEEDED]


def test_a_worker_that_stops_hands_back_what_is_left_of_a_bundle(worker: Worker, ledger: Counted) -> None:
    ids = released(ledger, GOOD, STUCK, STUCK)
    running = threading.Thread(target=worker.do, args=ids)
    running.start()
    eventually(lambda: state_of(ledger, ids[0]) is JobState.SUCCEEDED)
    worker.drain(grace_s=0)
    running.join(WAIT_S)
    assert [(state_of(ledger, each), status_of(ledger, each).attempt) for each in ids[1:]] == [(JobState.READY, 0)] * 2


def test_jobs_of_a_bundle_that_the_ledger_refuses_are_left_out(
    worker: Worker, ledger: Counted, registry: CollectorRegistry
) -> None:
    ids = released(ledger, GOOD, GOOD, GOOD)
    ledger.cancel(ids[:1])
    ledger.claim(ids[1], "other@there", 60_000)
    worker.do(*ids)
    states = [state_of(ledger, job_id) for job_id in ids]
    assert states == [JobState.CANCELLED, JobState.RUNNING, JobState.SUCCEEDED]
    assert registry.get_sample_value("manyhands_claims_total", {"job_type": "mood"}) == 1
    for reason in ("ended", "running"):
        assert registry.get_sample_value("manyhands_claim_refusals_total", {"reason": reason}) == 1


def test_a_bundle_of_which_nothing_is_granted_is_done(worker: Worker, ledger: Counted) -> None:
    ids = released(ledger, GOOD, GOOD)
    ledger.cancel(ids)
    assert worker.do(*ids) is None


def test_a_bundle_is_given_back_when_the_ledger_stays_away(ledger: Counted, engine: Moody, mood: Specialist) -> None:
    ids = released(ledger, GOOD, GOOD)
    ledger.away = True
    worker = Worker(ledger, [mood], {"mood": engine}, "mood-1@here", lease_s=0.2, slots=4)
    with pytest.raises(Redeliver):
        worker.do(*ids)
    assert [state_of(ledger, job_id) for job_id in ids] == [JobState.RUNNING] * 2
    assert worker._about()["running"] == 0


def test_each_job_of_a_bundle_is_counted(worker: Worker, ledger: Counted, registry: CollectorRegistry) -> None:
    worker.do(*released(ledger, GOOD, GOOD, GOOD))
    assert registry.get_sample_value("manyhands_claims_total", {"job_type": "mood"}) == 3
    done = {"job_type": "mood", "state": "succeeded"}
    assert registry.get_sample_value("manyhands_job_run_seconds_count", done) == 3
    assert worker._about()["done"] == 3


def test_a_worker_says_that_it_takes_bundles(worker: Worker) -> None:
    assert worker._about()["bundles"] is True
