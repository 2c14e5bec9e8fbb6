"""When a worker counts as deaf: messages wait for it, a slot is free, and none arrives."""

from __future__ import annotations

import threading

import pytest

from infra.ledger import LedgerUnavailable
from infra.memory_ledger import MemoryLedger
from infra.memory_queue import MemoryQueue
from workers.consuming import Ear, Listener

WAIT_S = 20


@pytest.fixture
def ear() -> Ear:
    return Ear(slots=2, deaf_s=20)


def test_a_worker_that_messages_wait_for_and_never_reach_is_deaf(ear: Ear):
    assert ear.look({"triage": 3}, now=100) == []
    assert ear.look({"triage": 5}, now=119) == []
    assert ear.look({"triage": 1}, now=120) == ["triage"]


def test_a_worker_that_nothing_waits_for_is_not_deaf(ear: Ear):
    for now in (100, 130, 160):
        assert ear.look({"triage": 0}, now) == []


def test_messages_that_others_took_meanwhile_start_the_count_anew(ear: Ear):
    ear.look({"triage": 3}, now=100)
    ear.look({"triage": 0}, now=110)
    assert ear.look({"triage": 3}, now=121) == []


def test_a_message_that_arrives_shows_that_it_hears(ear: Ear):
    ear.look({"triage": 3}, now=100)
    with ear.hearing("triage"):
        pass
    assert ear.look({"triage": 3}, now=121) == []
    assert ear.look({"triage": 3}, now=141) == ["triage"]


def test_it_may_be_deaf_to_one_of_its_queues_alone(ear: Ear):
    ear.look({"triage": 1, "count": 1}, now=100)
    with ear.hearing("count"):
        pass
    assert ear.look({"triage": 1, "count": 1}, now=121) == ["triage"]


def test_a_worker_without_a_free_slot_has_no_ear_for_more(ear: Ear):
    ear.look({"triage": 9}, now=100)
    with ear.hearing("count"), ear.hearing("count"):
        assert ear.look({"triage": 9}, now=130) == []
    assert ear.look({"triage": 9}, now=140) == []
    assert ear.look({"triage": 9}, now=160) == ["triage"]


def test_while_nobody_can_say_what_waits_it_is_not_deaf(ear: Ear):
    ear.look({"triage": 3}, now=100)
    ear.look({}, now=110)
    assert ear.look({"triage": 3}, now=121) == []


def never(job_id: str) -> None:
    raise AssertionError("nobody serves this queue")


def test_a_listener_says_once_that_what_waits_does_not_arrive():
    queue, told = MemoryQueue(), threading.Event()
    queue.send("triage", "r1.s1.0")
    with Listener(queue, MemoryLedger(), {"triage": never}, 2, 0.2, told.set):
        assert told.wait(WAIT_S)


class Away(MemoryLedger):
    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Semaphore(0)

    def ping(self) -> None:
        self.asked.release()
        raise LedgerUnavailable("no route")


def test_a_listener_says_nothing_while_the_ledger_is_away():
    queue, away, told = MemoryQueue(), Away(), threading.Event()
    queue.send("triage", "r1.s1.0")
    with Listener(queue, away, {"triage": never}, 2, 0.08, told.set):
        for _ in range(20):  # more than twice as many looks as make it deaf
            assert away.asked.acquire(timeout=WAIT_S)
    assert not told.is_set()


def test_what_a_listener_serves_reaches_the_handler():
    queue, heard = MemoryQueue(), []

    def note(job_id: str) -> None:
        heard.append(job_id)
        queue.stop()

    listener = Listener(queue, MemoryLedger(), {"triage": note}, 1, 20, lambda: None)
    queue.send("triage", "r1.s1.0")
    queue.serve(listener.handlers(), 1, "test@here")
    assert heard == ["r1.s1.0"]
