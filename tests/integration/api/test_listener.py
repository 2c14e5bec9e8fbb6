"""One thread that listens for many requests: who hears what, and how many go on at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping

import pytest

from coordinator.api.waiting.listener import LISTENED_MS, Listener, News
from coordinator.api.waiting.pace import Pace
from coordinator.api.waiting.presence import Client
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.records import Event
from tests.contracts.ledger.given import RUN

SOON_S = 60.0


def names(news: News) -> list[str]:
    return [event.name for _, event in news]


def ledger_of(*runs: str) -> MemoryLedger:
    ledger = MemoryLedger()
    for run_id in runs:
        ledger.create_run(RUN.model_copy(update={"id": run_id}), [], [Event(name=f"began {run_id}", data={})])
    return ledger


def tell(ledger: MemoryLedger, run_id: str, name: str) -> None:
    run = ledger.load_run(run_id)
    assert run
    ledger.advance(run, [], [Event(name=name, data={})], [])


def test_each_request_hears_its_own_run_though_others_were_listened_to_before() -> None:
    ledger = ledger_of("a", "b")
    listener = Listener(ledger, Pace())

    async def both() -> tuple[News, News]:
        first = asyncio.create_task(listener.heard("a", ledger.last_event("a"), SOON_S, Client()))
        await asyncio.sleep(0.2)  # it is being waited for, for seconds
        second = asyncio.create_task(listener.heard("b", ledger.last_event("b"), SOON_S, Client()))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        tell(ledger, "b", "news of b")
        heard = await second
        assert time.monotonic() - began < LISTENED_MS / 1000
        tell(ledger, "a", "news of a")
        return await first, heard

    of_a, of_b = asyncio.run(both())
    assert (names(of_a), names(of_b)) == (["news of a"], ["news of b"])
    listener.close()


def test_what_happened_before_it_was_asked_for_is_heard() -> None:
    ledger = ledger_of("a")
    listener = Listener(ledger, Pace())

    async def late() -> News:
        waiting = asyncio.create_task(listener.heard("a", ledger.last_event("a"), SOON_S, Client()))
        await asyncio.sleep(0.1)
        early = await listener.heard("a", "0", SOON_S, Client())
        waiting.cancel()
        return early

    assert names(asyncio.run(late())) == ["began a"]
    listener.close()


def test_a_client_that_goes_ends_its_wait_at_once() -> None:
    ledger = ledger_of("a")
    listener = Listener(ledger, Pace())

    async def left() -> float:
        stays = asyncio.create_task(asyncio.sleep(0.05))
        began = time.monotonic()
        assert await listener.heard("a", ledger.last_event("a"), SOON_S, Client(stays)) == []
        assert await listener.heard("a", ledger.last_event("a"), SOON_S, Client(stays)) == []  # it has gone before
        return time.monotonic() - began

    assert asyncio.run(left()) < SOON_S
    listener.close()


def test_an_outage_reaches_each_request_that_waits_and_those_after_it_hear_again() -> None:
    class Faltering(MemoryLedger):
        away = True

        def news(self, after: Mapping[str, str], wait_ms: int = 0) -> dict[str, News]:
            if self.away:
                raise LedgerUnavailable("cut off")
            return super().news(after, wait_ms)

    ledger = Faltering()
    ledger.create_run(RUN, [], [Event(name="began", data={})])
    listener = Listener(ledger, Pace())

    async def asked() -> News:
        for _ in range(3):
            with pytest.raises(LedgerUnavailable, match="cut off"):
                await listener.heard(RUN.id, "0", SOON_S, Client())
        ledger.away = False
        return await listener.heard(RUN.id, "0", SOON_S, Client())

    assert names(asyncio.run(asked())) == ["began"]
    listener.close()


def test_a_turn_of_the_loop_has_room_for_a_few_and_those_that_came_first_go_first() -> None:
    pace, done, turns = Pace(4), list[int](), list[int]()

    async def one(number: int) -> None:
        await pace.turn()
        done.append(number)

    async def crowd() -> None:
        tasks: list[Awaitable[None]] = [asyncio.create_task(one(number)) for number in range(50)]
        while len(done) < 50:
            before = len(done)
            await asyncio.sleep(0)
            turns.append(len(done) - before)
        await asyncio.gather(*tasks)

    asyncio.run(crowd())
    assert done == list(range(50))
    assert max(turns) <= 4


def test_a_pace_goes_on_in_another_loop_after_one_that_ended_early() -> None:
    pace = Pace(1)
    for _ in range(3):
        asyncio.run(pace.turn())
