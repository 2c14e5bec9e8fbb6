"""Requests in flight, without an engine: who is taken in, how each ends once, and what closing leaves."""

from __future__ import annotations

import threading
import time

import pytest

from workers.engines import Completion, EngineError, Finish, Request
from workers.engines.in_flight import InFlight, Ticket

ANSWER = Completion("good", Finish.STOP)


@pytest.fixture
def in_flight() -> InFlight[Ticket]:
    return InFlight(stall_s=0.05)


def request(id: str) -> Request:
    return Request(id, "mood", "How are you?")


def test_what_was_taken_in_waits_until_it_is_next(in_flight: InFlight[Ticket]) -> None:
    futures = [in_flight.submit(request(id), Ticket) for id in ("1", "2")]
    first = in_flight.next()
    assert first
    assert first.request.id == "1"
    assert [ticket.request.id for ticket in in_flight.waiting] == ["2"]
    assert in_flight.begun() == [first]
    in_flight.leave(first, ANSWER)
    assert futures[0].result(0) == ANSWER
    assert not futures[1].done()


def test_a_request_without_a_ticket_is_refused_and_not_in_flight(in_flight: InFlight[Ticket]) -> None:
    def take(_: Request) -> Ticket:
        raise EngineError("nobody serves it", retryable=False)

    with pytest.raises(EngineError, match="nobody serves it"):
        in_flight.submit(request("1"), take).result(0)
    assert len(in_flight) == 0


def test_a_request_ends_once(in_flight: InFlight[Ticket]) -> None:
    future = in_flight.submit(request("1"), Ticket)
    (ticket,) = in_flight
    in_flight.leave(ticket, ANSWER)
    in_flight.leave(ticket, EngineError("too late"))
    assert future.result(0) == ANSWER


def test_who_has_ended_takes_nothing_from_another_of_its_id(in_flight: InFlight[Ticket]) -> None:
    in_flight.submit(request("1"), Ticket)
    (former,) = in_flight
    in_flight.leave(former, ANSWER)
    future = in_flight.submit(request("1"), Ticket)
    in_flight.leave(former, EngineError("too late"))
    assert not future.done()
    assert in_flight.await_work()


def test_an_engine_has_stalled_when_work_is_there_and_no_step_comes(in_flight: InFlight[Ticket]) -> None:
    time.sleep(0.1)
    in_flight.submit(request("1"), Ticket)
    assert in_flight.healthy()  # an idle engine has not stalled
    time.sleep(0.1)
    assert not in_flight.healthy()
    in_flight.step()
    assert in_flight.healthy()


def test_the_last_to_leave_says_so() -> None:
    emptied: list[int] = []
    in_flight: InFlight[Ticket] = InFlight(emptied=lambda: emptied.append(1))
    for id in ("1", "2"):
        in_flight.submit(request(id), Ticket)
    one, two = in_flight
    in_flight.leave(one, ANSWER)
    assert not emptied
    in_flight.leave(two, ANSWER)
    assert emptied


def test_closing_fails_what_waits_and_what_a_thread_that_hangs_has_begun(in_flight: InFlight[Ticket]) -> None:
    gate = threading.Event()
    hanging = threading.Thread(target=gate.wait, daemon=True)
    hanging.start()
    futures = [in_flight.submit(request(id), Ticket) for id in ("1", "2")]
    begun = in_flight.next()
    assert begun
    assert not in_flight.close([hanging], 0.05)
    for future in futures:
        with pytest.raises(EngineError, match="closed") as caught:
            future.result(0)
        assert caught.value.retryable
    assert not in_flight.await_work()
    gate.set()
    assert in_flight.close([hanging], 10.0)


def test_the_first_reason_to_shut_stands(in_flight: InFlight[Ticket]) -> None:
    in_flight.shut("the engine is broken")
    in_flight.shut()
    with pytest.raises(EngineError, match="broken"):
        in_flight.submit(request("1"), Ticket).result(0)
