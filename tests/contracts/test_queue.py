"""What every queue does, whatever carries it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from infra.queue.protocol import Handler, Queue, Redeliver

WAIT_S = 20


@pytest.fixture(params=["memory", "celery"])
def queue(request: pytest.FixtureRequest) -> Iterator[Queue]:
    if request.param == "memory":
        from infra.queue.memory import MemoryQueue

        made: Queue = MemoryQueue()
    else:
        from infra.queue.celery_queue import CeleryQueue, create_app
        from infra.settings import Settings

        request.getfixturevalue("redis_client")  # empties the server
        made = CeleryQueue(create_app(Settings(redis_url=request.getfixturevalue("redis_url"))))
    yield made
    made.close()


class Seen:
    """What handlers were given, in order; a test waits here for as much as it expects."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, job_id: str) -> None:
        with self._changed:
            self.ids.append(job_id)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ids) >= count, WAIT_S), f"only {self.ids} came"
            return list(self.ids)


@contextmanager
def serving(
    queue: Queue, handlers: Mapping[str, Handler], slots: int = 2, stopping: Callable[[], None] = lambda: None
) -> Iterator[None]:
    server = threading.Thread(target=queue.serve, args=(handlers, slots, "test@here", stopping))
    server.start()
    try:
        yield
    finally:
        queue.stop()
        server.join(WAIT_S)
        assert not server.is_alive(), "the queue did not stop"


def test_what_was_sent_before_anybody_served_is_delivered(queue: Queue) -> None:
    seen = Seen()
    queue.send("triage", "r1.s1.0")
    with serving(queue, {"triage": seen}):
        assert seen.wait_for(1) == ["r1.s1.0"]


def test_what_nobody_serves_is_counted_as_waiting_until_somebody_does(queue: Queue) -> None:
    seen = Seen()
    assert queue.waiting("triage") == 0
    for index in range(3):
        queue.send("triage", f"r1.s1.{index}")
    queue.send("entities", "r1.s2.0")
    assert (queue.waiting("triage"), queue.waiting("entities")) == (3, 1)
    with serving(queue, {"triage": seen}):
        seen.wait_for(3)
    assert (queue.waiting("triage"), queue.waiting("entities")) == (0, 1)


def test_purging_forgets_what_waits_of_one_type(queue: Queue) -> None:
    seen, others = Seen(), Seen()
    queue.purge("triage")  # which nobody has heard of
    queue.send_all([("triage", f"r1.s1.{index}") for index in range(3)] + [("entities", "r1.s2.0")])

    queue.purge("triage")

    assert (queue.waiting("triage"), queue.waiting("entities")) == (0, 1)
    queue.send("triage", "r1.s1.9")
    with serving(queue, {"triage": seen, "entities": others}):
        assert (seen.wait_for(1), others.wait_for(1)) == (["r1.s1.9"], ["r1.s2.0"])
    assert seen.ids == ["r1.s1.9"]


def test_what_is_sent_together_is_delivered_in_its_order(queue: Queue) -> None:
    seen = Seen()
    queue.send_all([])
    queue.send_all([("triage", f"r1.s1.{index}") for index in range(300)])
    with serving(queue, {"triage": seen}, slots=1):
        assert seen.wait_for(300) == [f"r1.s1.{index}" for index in range(300)]


def test_each_id_reaches_the_handler_of_its_type_once(queue: Queue) -> None:
    triage, entities = Seen(), Seen()
    with serving(queue, {"triage": triage, "entities": entities}):
        for index in range(20):
            queue.send("triage", f"r1.s1.{index}")
            queue.send("entities", f"r1.s2.{index}")
        triage.wait_for(20)
        entities.wait_for(20)
    assert sorted(triage.ids) == sorted(f"r1.s1.{index}" for index in range(20))
    assert sorted(entities.ids) == sorted(f"r1.s2.{index}" for index in range(20))


def test_messages_of_a_type_that_is_not_served_wait_for_who_serves_it(queue: Queue) -> None:
    triage, entities = Seen(), Seen()
    queue.send("entities", "r1.s2.0")
    queue.send("triage", "r1.s1.0")
    with serving(queue, {"triage": triage}):
        triage.wait_for(1)
    with serving(queue, {"entities": entities}):
        entities.wait_for(1)
    assert (triage.ids, entities.ids) == (["r1.s1.0"], ["r1.s2.0"])


def test_a_handler_that_raises_does_not_stop_the_queue(queue: Queue) -> None:
    seen = Seen()

    def handler(job_id: str) -> None:
        seen(job_id)
        if job_id.endswith(".0"):
            raise ValueError("something that no handler should raise")

    with serving(queue, {"triage": handler}, slots=1):
        queue.send("triage", "r1.s1.0")
        queue.send("triage", "r1.s1.1")
        assert seen.wait_for(2) == ["r1.s1.0", "r1.s1.1"]
    assert seen.ids == ["r1.s1.0", "r1.s1.1"]


def test_a_message_whose_handler_asks_for_it_comes_again(queue: Queue) -> None:
    seen = Seen()

    def handler(job_id: str) -> None:
        seen(job_id)
        if len(seen.ids) == 1:
            raise Redeliver

    with serving(queue, {"triage": handler}):
        queue.send("triage", "r1.s1.0")
        assert seen.wait_for(2) == ["r1.s1.0", "r1.s1.0"]


def test_no_more_handlers_run_at_a_time_than_there_are_slots(queue: Queue) -> None:
    seen, lock = Seen(), threading.Lock()
    running: list[str] = []
    at_a_time: list[int] = []
    together = threading.Barrier(2)

    def handler(job_id: str) -> None:
        with lock:
            running.append(job_id)
            at_a_time.append(len(running))
        together.wait(WAIT_S)  # returns only when both slots are at work
        with lock:
            running.remove(job_id)
        seen(job_id)

    with serving(queue, {"triage": handler}, slots=2):
        for index in range(8):
            queue.send("triage", f"r1.s1.{index}")
        seen.wait_for(8)
    assert max(at_a_time) == 2


def test_stopping_is_told_first_and_what_runs_then_ends(queue: Queue) -> None:
    begun, told, seen = threading.Event(), threading.Event(), Seen()

    def handler(job_id: str) -> None:
        begun.set()
        assert told.wait(WAIT_S)
        seen(job_id)

    with serving(queue, {"triage": handler}, stopping=told.set):
        queue.send("triage", "r1.s1.0")
        assert begun.wait(WAIT_S)
    assert seen.ids == ["r1.s1.0"]


def test_a_queue_can_be_served_again_and_delivers_nothing_twice(queue: Queue) -> None:
    first, second = Seen(), Seen()
    with serving(queue, {"triage": first}):
        queue.send("triage", "r1.s1.0")
        first.wait_for(1)
    with serving(queue, {"triage": second}):
        queue.send("triage", "r1.s1.1")
        second.wait_for(1)
    assert (first.ids, second.ids) == (["r1.s1.0"], ["r1.s1.1"])


def test_a_bundle_reaches_its_handler_as_one_message(queue: Queue) -> None:
    seen: list[tuple[str, ...]] = []
    done = threading.Event()

    def handler(*job_ids: str) -> None:
        seen.append(job_ids)
        if len(seen) == 2:
            done.set()

    queue.send("triage", "r1.s1.0", "r1.s1.1", "r1.s1.2")
    queue.send("triage", "r1.s1.3")
    assert queue.waiting("triage") == 2
    with serving(queue, {"triage": handler}, slots=1):
        assert done.wait(WAIT_S)
    assert seen == [("r1.s1.0", "r1.s1.1", "r1.s1.2"), ("r1.s1.3",)]


def test_a_bundle_whose_handler_asks_for_it_comes_again_as_a_whole(queue: Queue) -> None:
    seen: list[tuple[str, ...]] = []
    done = threading.Event()

    def handler(*job_ids: str) -> None:
        seen.append(job_ids)
        if len(seen) == 1:
            raise Redeliver
        done.set()

    with serving(queue, {"triage": handler}):
        queue.send("triage", "r1.s1.0", "r1.s1.1")
        assert done.wait(WAIT_S)
    assert seen == [("r1.s1.0", "r1.s1.1")] * 2


def test_a_server_that_has_two_bundles_at_work_leaves_the_others_to_idle_ones(queue: Queue) -> None:
    begun, go_on, ended = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)

    def handler(*job_ids: str) -> None:
        begun.release()
        assert go_on.wait(WAIT_S)
        ended.release()

    queue.send_all([("triage", *(f"r1.s1.{8 * bundle + index}" for index in range(8))) for bundle in range(5)])
    with serving(queue, {"triage": handler}, slots=6):
        assert all(begun.acquire(timeout=WAIT_S) for _ in range(2))
        assert not begun.acquire(timeout=0.5)
        assert queue.waiting("triage") == 3
        go_on.set()
        assert all(ended.acquire(timeout=WAIT_S) for _ in range(5))
