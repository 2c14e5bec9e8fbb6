"""When a worker counts as deaf: messages wait for it, a slot is free, and none arrives."""

from __future__ import annotations

import inspect
import threading

import pytest
from kombu import Connection

from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.queue.memory import MemoryQueue
from workers.upkeep import deafness as consuming
from workers.upkeep.deafness import LOOKS, RECONNECT_S, Ear, Listener

WAIT_S = 20
SECRET = "the customer's own words"


@pytest.fixture
def ear() -> Ear:
    return Ear(slots=2, spared=3)


def looks(ear: Ear, times: int, **waiting: int) -> list[list[str]]:
    """What each of so many looks says, while so many messages wait."""
    return [ear.look(waiting) for _ in range(times)]


def test_a_worker_that_messages_wait_for_and_never_reach_is_deaf(ear: Ear) -> None:
    assert looks(ear, LOOKS, triage=3) == [[]] * LOOKS
    assert ear.look({"triage": 1}) == ["triage"]


def test_a_worker_that_nothing_waits_for_is_not_deaf(ear: Ear) -> None:
    assert not any(looks(ear, 3 * LOOKS, triage=0))


def test_messages_that_others_took_meanwhile_start_the_count_anew(ear: Ear) -> None:
    looks(ear, LOOKS, triage=3)
    ear.look({"triage": 0})
    assert ear.look({"triage": 3}) == []


def test_a_message_that_arrives_shows_that_it_hears(ear: Ear) -> None:
    looks(ear, LOOKS, triage=3)
    with ear.hearing("triage"):
        pass
    assert looks(ear, LOOKS + 1, triage=3) == [[]] * LOOKS + [["triage"]]


def test_it_may_be_deaf_to_one_of_its_queues_alone(ear: Ear) -> None:
    looks(ear, LOOKS, triage=1, count=1)
    with ear.hearing("count"):
        pass
    assert ear.look({"triage": 1, "count": 1}) == ["triage"]


def test_a_worker_without_a_free_slot_has_no_ear_for_more(ear: Ear) -> None:
    looks(ear, LOOKS, triage=9)
    with ear.hearing("count"), ear.hearing("count"):
        assert ear.look({"triage": 9}) == []
    assert looks(ear, LOOKS + 1, triage=9) == [[]] * LOOKS + [["triage"]]


def test_after_an_outage_a_worker_is_spared_while_its_broker_connection_may_be_asleep(ear: Ear) -> None:
    looks(ear, LOOKS, triage=3)
    ear.look(None)
    assert not any(looks(ear, 3 + LOOKS, triage=3))
    assert ear.look({"triage": 3}) == ["triage"]


def test_each_look_that_fails_spares_it_anew(ear: Ear) -> None:
    ear.look(None)
    looks(ear, 3, triage=3)
    ear.look(None)
    assert not any(looks(ear, 3 + LOOKS, triage=3))


def test_a_worker_is_spared_for_longer_than_its_broker_connection_ever_sleeps() -> None:
    longest_s = inspect.signature(Connection._ensure_connection).parameters["interval_max"].default
    assert longest_s < RECONNECT_S


def never(job_id: str) -> None:
    raise AssertionError("nobody serves this queue")


def test_a_listener_says_once_that_what_waits_does_not_arrive() -> None:
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


def test_a_listener_says_nothing_while_the_ledger_is_away() -> None:
    queue, away, told = MemoryQueue(), Away(), threading.Event()
    queue.send("triage", "r1.s1.0")
    with Listener(queue, away, {"triage": never}, 2, 0.08, told.set):
        for _ in range(20):  # more than twice as many looks as make it deaf
            assert away.asked.acquire(timeout=WAIT_S)
    assert not told.is_set()


class Faulty(MemoryLedger):
    """Its first answer is a fault of ours."""

    faults = 1

    def ping(self) -> None:
        if self.faults:
            self.faults = 0
            raise ZeroDivisionError(SECRET)


def test_a_listener_outlives_a_fault_and_says_where_it_was(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "RECONNECT_S", 0.1)
    queue, told = MemoryQueue(), threading.Event()
    queue.send("triage", "r1.s1.0")
    with Listener(queue, Faulty(), {"triage": never}, 2, 0.2, told.set):
        assert told.wait(WAIT_S)
    assert "ZeroDivisionError" in caplog.text
    assert SECRET not in caplog.text


def test_what_a_listener_serves_reaches_the_handler() -> None:
    queue, heard = MemoryQueue(), []

    def note(job_id: str) -> None:
        heard.append(job_id)
        queue.stop()

    listener = Listener(queue, MemoryLedger(), {"triage": note}, 1, 20, lambda: None)
    queue.send("triage", "r1.s1.0")
    queue.serve(listener.handlers(), 1, "test@here")
    assert heard == ["r1.s1.0"]
