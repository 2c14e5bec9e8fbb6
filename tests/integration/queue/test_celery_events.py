"""What Flower is told of a worker's jobs: all of it, in order and soon, though it is sent in batches."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from celery import Celery

from infra.queue.celery_app import create_app
from infra.queue.celery_queue import CeleryQueue
from infra.queue.protocol import Handler
from infra.settings import Settings
from tests.support.eventually import eventually

WAIT_S = 20
LIFE = ["task-received", "task-started", "task-succeeded"]


@pytest.fixture
def app(redis_url: str, redis_client: redis.Redis) -> Iterator[Celery]:
    with create_app(Settings(redis_url=redis_url)) as made:
        yield made


class Flower:
    """Listens as Flower does: what it was told."""

    def __init__(self, app: Celery) -> None:
        self.told: list[dict[str, Any]] = []
        self._app = app
        self._ended = threading.Event()

    def of(self, job_id: str) -> list[str]:
        return [event["type"] for event in list(self.told) if event.get("uuid") == job_id]

    def wait_for(self, kind: str, count: int = 1) -> None:
        eventually(lambda: sum(event["type"] == kind for event in list(self.told)) >= count, f"{kind} {count} times")

    @contextmanager
    def listening(self) -> Iterator[None]:
        ready = threading.Event()
        listener = threading.Thread(target=self._listen, args=(ready,))
        listener.start()
        try:
            assert ready.wait(WAIT_S)
            yield
        finally:
            self._ended.set()
            listener.join(WAIT_S)
            assert not listener.is_alive()

    def _listen(self, ready: threading.Event) -> None:
        with self._app.connection_for_read() as connection:
            receiver = self._app.events.Receiver(connection, handlers={"*": self.told.append})
            with receiver.consumer_context() as (link, *_):
                ready.set()
                while not self._ended.is_set():
                    try:
                        link.drain_events(timeout=0.2)
                    except TimeoutError:
                        continue


@contextmanager
def serving(app: Celery, handler: Handler, slots: int = 4) -> Iterator[CeleryQueue]:
    queue = CeleryQueue(app)
    server = threading.Thread(target=queue.serve, args=({"triage": handler}, slots, "test@here"))
    server.start()
    try:
        yield queue
    finally:
        queue.stop()
        server.join(WAIT_S)
        assert not server.is_alive()


def test_flower_hears_of_each_job_in_order(app: Celery, redis_url: str) -> None:
    flower = Flower(create_app(Settings(redis_url=redis_url)))
    jobs = [f"r1.s1.{index}" for index in range(60)]
    with flower.listening(), serving(app, lambda _: None) as queue:
        queue.send_all([("triage", job_id) for job_id in jobs])
        flower.wait_for("task-succeeded", len(jobs))
        flower.wait_for("worker-heartbeat")
    assert [flower.of(job_id) for job_id in jobs] == [LIFE] * len(jobs)


def test_flower_hears_of_a_job_that_still_runs(app: Celery, redis_url: str) -> None:
    flower = Flower(create_app(Settings(redis_url=redis_url)))
    heard = threading.Event()
    with flower.listening(), serving(app, lambda _: None if heard.wait(WAIT_S) else "nobody heard") as queue:
        queue.send("triage", "r1.s1.0")
        flower.wait_for("task-started")
        heard.set()
        flower.wait_for("task-succeeded")
    assert flower.of("r1.s1.0") == LIFE


def test_flower_hears_how_a_job_ended_that_ran_when_its_worker_was_to_stop(app: Celery, redis_url: str) -> None:
    flower = Flower(create_app(Settings(redis_url=redis_url)))
    begun, stopped = threading.Event(), threading.Event()

    def handler(job_id: str) -> None:
        begun.set()
        assert stopped.wait(WAIT_S)

    with flower.listening():
        with serving(app, handler) as queue:
            queue.send("triage", "r1.s1.0")
            assert begun.wait(WAIT_S)
            queue.stop()
            flower.wait_for("worker-offline")
            stopped.set()
        flower.wait_for("task-succeeded")
    assert flower.of("r1.s1.0") == LIFE


def test_flower_hears_which_jobs_a_bundle_has_and_how_many(app: Celery, redis_url: str) -> None:
    flower = Flower(create_app(Settings(redis_url=redis_url)))
    with flower.listening(), serving(app, lambda *_: "1 of 3 jobs: timeout") as queue:
        queue.send("triage", "r1.s1.0", "r1.s1.1", "r1.s1.2")
        flower.wait_for("task-failed")
    assert flower.of("r1.s1.0+2") == ["task-received", "task-started", "task-failed"]
    (received,) = [event for event in flower.told if event["type"] == "task-received"]
    assert (received["name"], received["args"], received["kwargs"]) == ("triage", "r1.s1.0 r1.s1.1 r1.s1.2", "3 jobs")
    (failed,) = [event for event in flower.told if event["type"] == "task-failed"]
    assert "1 of 3 jobs: timeout" in failed["exception"]
