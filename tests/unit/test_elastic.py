"""Engines that can grow: what their worker tells them, how many jobs at a time fill them, and who shares one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.memory_ledger import MemoryLedger
from infra.records import Job, RunRecord
from specialists.manifest import Manifest
from specialists.specialist import load_specialist
from workers.engines.load import slots_of
from workers.engines.scripted import ScriptedEngine
from workers.worker import Worker

WAIT_S = 20
MANIFEST = """
engine = "ray"
[ray]
engine = "scripted"
max_replicas = 3
"""


class ElasticEngine(ScriptedEngine):
    slots = 48

    def __init__(self) -> None:
        super().__init__({})
        self.told = threading.Event()
        self.waiting = 0
        self.oldest_s = 0.0

    def expect(self, waiting: int, oldest_s: float) -> None:
        self.waiting, self.oldest_s = waiting, oldest_s
        self.told.set()


def test_a_worker_tells_an_engine_what_waits_in_the_ledger_for_its_types(write_specialist: Callable[..., Path]) -> None:
    ledger, engine = MemoryLedger(), ElasticEngine()
    text = {"text": {"type": "string", "maxLength": 100}}
    mood = load_specialist(write_specialist("mood", MANIFEST, text, {"mood": {"enum": ["good"]}}, {}))
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
