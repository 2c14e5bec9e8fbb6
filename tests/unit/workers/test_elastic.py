"""Engines that can grow: what their worker tells them, how many jobs at a time fill them, and who shares one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from infra.ledger.memory.ledger import MemoryLedger
from infra.records import Job, JobState, RunRecord
from specialists.manifest import Manifest
from specialists.specialist import Specialist, load_specialist
from workers.engines import Completion, Request
from workers.engines.load import slots_of
from workers.engines.scripted import ScriptedEngine
from workers.worker import Worker

WAIT_S = 20
MANIFEST = """
engine = "ray"
[decoding]
format = "lines"
max_tokens = 8
[ray]
engine = "scripted"
max_replicas = 3
"""


class ElasticEngine(ScriptedEngine):
    slots = 48

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__({"mood": "good"}, delay_s)
        self.asked: list[Request] = []
        self.told = threading.Event()
        self.waiting = 0
        self.oldest_s = 0.0

    def expect(self, waiting: int, oldest_s: float) -> None:
        self.waiting, self.oldest_s = waiting, oldest_s
        self.told.set()

    def submit(self, request: Request) -> Future[Completion]:
        self.asked.append(request)
        return super().submit(request)


@pytest.fixture
def mood(write_specialist: Callable[..., Path]) -> Specialist:
    text = {"text": {"type": "string", "maxLength": 100}}
    files = {"prompt.txt": "{{text}}"}
    return load_specialist(write_specialist("mood", MANIFEST, text, {"mood": {"enum": ["good"]}}, files))


def run_one(mood: Specialist, engine: ElasticEngine, **fields: Any) -> JobState:
    ledger = MemoryLedger()
    job = Job(id="r1.s1.0", type="mood", input={"text": "a"}, run_id="r1", step_id="s1", **fields)
    ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [job], [])
    ledger.take_ready(1)
    Worker(ledger, [mood], {"mood": engine}, "mood-1@here", WAIT_S, 4).do(job.id)
    engine.close()
    found = ledger.job(job.id)
    assert found
    return found.state


def test_a_worker_tells_an_engine_what_waits_in_the_ledger_for_its_types(mood: Specialist) -> None:
    ledger, engine = MemoryLedger(), ElasticEngine()
    jobs = [
        Job(id=f"r1.s1.{n}", type=type, input={"text": ""}, run_id="r1", step_id="s1", index=n)
        for n, type in enumerate(["mood", "mood", "mood", "other"])
    ]
    ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), jobs, [])
    ledger.take_ready(1)

    with Worker(ledger, [mood], {"mood": engine}, "mood-1@here", 0.3, 4):
        assert engine.told.wait(WAIT_S)

    assert engine.waiting == 3
    assert engine.oldest_s > 0
    engine.close()


def test_the_time_out_of_a_job_is_left_to_an_engine_in_which_it_may_wait(
    mood: Specialist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.attempt.OVERDUE_S", 0.0)
    engine = ElasticEngine(delay_s=0.3)  # in which it does not begin for longer than the time-out

    assert run_one(mood, engine, timeout_s=0.1) is JobState.SUCCEEDED
    assert (engine.asked[0].timeout_s, engine.asked[0].deadline) == (0.1, None)


def test_the_deadline_of_a_job_holds_wherever_it_waits(mood: Specialist) -> None:
    engine = ElasticEngine(delay_s=WAIT_S)
    deadline_ms = round(time.time() * 1000) + 200

    assert run_one(mood, engine, deadline_ms=deadline_ms) is JobState.EXPIRED


def test_jobs_at_a_time_fill_what_every_engine_can_grow_to() -> None:
    elastic, plain = ElasticEngine(), ScriptedEngine({})
    try:
        assert slots_of([plain, plain], 16) == 16
        assert slots_of([elastic, elastic], 16) == 48
        assert slots_of([elastic, plain], 16) == 64
    finally:
        elastic.close()
        plain.close()


def test_a_manifest_with_fewer_replicas_at_most_than_at_least_is_refused() -> None:
    ray = {"engine": "scripted", "min_replicas": 3, "max_replicas": 2}
    with pytest.raises(ValueError, match="max_replicas is 2, below min_replicas, which is 3"):
        Manifest(name="mood", version="1.0.0", description="-", engine="ray", ray=ray)


def test_a_manifest_in_ray_needs_what_its_inner_engine_needs() -> None:
    with pytest.raises(ValueError, match="'transformers' needs the tables"):
        Manifest(name="mood", version="1.0.0", description="-", engine="ray")
