"""Hops: the calls of functions that a goal of one job goes through, read from real frames of a real run.

API, coordinator and Celery worker are threads of this process; Redis is a real server beside it. The engine is
scripted: the way ends where a job is handed to the engine, so what the engine does has no influence.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from starlette.testclient import TestClient

from benchmarks.structure.stacks import Hops, Stacks, Watched
from coordinator.api.build import create_api
from coordinator.coordinator import Coordinator
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.settings import Settings
from specialists.catalog import load_catalog
from workers.app import consume
from workers.engines.scripted import ScriptedEngine
from workers.upkeep.ending import Ending
from workers.worker import Worker

JOB_TYPE, ANSWER = "triage", '{"intent":"card_arrival"}'
GOAL = {
    "plan": {"steps": [{"id": "s1", "type": JOB_TYPE, "args": {"text": {"$ref": "inputs.text"}}}]},
    "inputs": {"text": "Where is my new card?"},
}

#: The title of each measurement, and the call that ends it.
GOAL_WAYS = (
    ("a goal, from its route to the ledger", "ledger.create_run"),
    ("a goal's ready job, from the coordinator's loop to the queue", "queue.send_all"),
    ("a job's outcome, from the coordinator's loop to the ledger", "ledger.advance"),
)
JOB_WAYS = (
    ("a job, from Celery's task to its claim", "ledger.claim_all"),
    ("a job, from Celery's task to its engine", "engine.submit"),
    ("a job, from Celery's task to the commit of its outcome", "ledger.commit_all"),
)


def measure_hops() -> list[Hops]:
    stacks = Stacks()
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        _reach_goal(Settings(_env_file=None, redis_url=server.url), stacks)
    return [stacks.hops(title, target) for title, target in (*GOAL_WAYS, *JOB_WAYS)]


def _reach_goal(settings: Settings, stacks: Stacks) -> None:
    catalog = load_catalog(settings.specialists, adapters=False)
    ledger: Any = Watched(RedisLedger.of(settings), "ledger", stacks)
    queue: Any = Watched(CeleryQueue(create_app(settings)), "queue", stacks)
    engine: Any = Watched(ScriptedEngine({JOB_TYPE: ANSWER}), "engine", stacks)
    with ExitStack() as stack:
        for each in (ledger, queue, engine):
            stack.callback(each.close)
        worker = Worker(ledger, [catalog.get(JOB_TYPE)], {JOB_TYPE: engine}, "hops", settings.lease_s, 1)
        coordinator = Coordinator(ledger, queue, catalog, settings, "hops")
        stop = Event()
        consuming = Thread(
            target=consume, args=[worker, queue, ledger, "hops", settings, Ending(queue.stop, settings.grace_s)]
        )
        stack.enter_context(worker)
        stack.enter_context(_running([consuming, Thread(target=coordinator.serve, args=[stop])]))
        stack.callback(stop.set)
        stack.callback(queue.stop)
        client = stack.enter_context(TestClient(create_api(ledger, catalog, settings)))
        response = client.post("/v1/goals?wait=60", json=GOAL).json()
        if response.get("state") != "succeeded":
            raise RuntimeError(f"the goal did not succeed: {response}")


@contextmanager
def _running(threads: Sequence[Thread]) -> Iterator[None]:
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()
