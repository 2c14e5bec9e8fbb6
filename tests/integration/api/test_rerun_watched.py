"""A goal that is taken up again, as its watchers see it: over both ledgers, from before its first end and after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from coordinator.api.waiting.event_stream import START, EventStream
from coordinator.api.waiting.listener import Listener
from coordinator.api.waiting.pace import Pace
from coordinator.api.waiting.presence import Client
from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import Ledger
from infra.records import Json, RunState
from tests.support.deployment import Deployment

if TYPE_CHECKING:
    import redis

PLAN = {
    "steps": [
        {
            "id": "s1",
            "type": "triage",
            "map": {"over": {"$ref": "inputs.messages"}, "as": "item"},
            "args": {"text": {"$ref": "item"}},
        }
    ]
}


@pytest.fixture(params=["memory", "redis"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    from infra.ledger.redis.ledger import RedisLedger

    client: redis.Redis = request.getfixturevalue("redis_client")
    return RedisLedger(client, "watched-test")


def watched(ledger: Ledger, goals: Goals, run_id: str) -> list[str]:
    """The lines of the run's stream of events, from its start to its end."""
    stream = EventStream(ledger, goals, Listener(ledger, Pace())).of(run_id, START, Client())

    async def lines() -> list[str]:
        return [line async for line in stream]

    return asyncio.run(lines())


def names(lines: list[str]) -> list[str]:
    return [line.split("event: ")[1].split("\n")[0] for line in lines if "event: " in line]


def fails(_: Json) -> Json:
    raise ValueError("it broke")


@pytest.fixture
def failed(ledger: Ledger, deploy: Callable[..., Deployment]) -> tuple[Goals, str, Deployment]:
    """A goal that failed, in a deployment that runs and could do it by now."""
    deployment = deploy(ledger)
    deployment.answers["triage"] = fails
    deployment.start()
    goals = Goals(ledger, deployment.catalog, deployment.settings)
    run_id = goals.accept(Goal(plan=PLAN, inputs={"messages": ["a", "b"]})).id
    assert goals.wait(run_id, 60).state is RunState.FAILED
    deployment.answers["triage"] = lambda _: {"intent": "card_arrival"}
    return goals, run_id, deployment


def test_who_waits_for_it_gets_its_new_end(failed: tuple[Goals, str, Deployment]) -> None:
    goals, run_id, _ = failed
    assert goals.rerun(run_id).state is RunState.RUNNING
    run = goals.wait(run_id, 60)
    assert run.state is RunState.SUCCEEDED
    assert goals.result(run) == [{"intent": "card_arrival"}] * 2


def test_who_watches_from_its_start_sees_both_ends(ledger: Ledger, failed: tuple[Goals, str, Deployment]) -> None:
    goals, run_id, _ = failed
    goals.rerun(run_id)
    told = names(watched(ledger, goals, run_id))
    first, second = told.index("run.ended"), told.index("run.reopened")
    assert second == first + 1
    assert told.count("run.ended") == 2
    assert told[-1] == "run.ended"


def test_who_watches_a_goal_that_failed_comes_to_an_end(ledger: Ledger, failed: tuple[Goals, str, Deployment]) -> None:
    goals, run_id, _ = failed
    assert names(watched(ledger, goals, run_id))[-1] == "run.ended"
