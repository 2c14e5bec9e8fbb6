"""The Python client against the API on a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from coordinator.api import create_api
from coordinator.client import ApiError, ApiUnreachable, Client
from infra.redis_server import free_port

PLAN = {
    "steps": [
        {
            "id": "s1",
            "type": "triage",
            "map": {"over": {"$ref": "inputs.messages"}, "as": "item"},
            "args": {"text": {"$ref": "item"}},
        },
        {"id": "s2", "type": "count", "args": {"items": {"$ref": "s1"}, "field": "intent"}},
    ]
}
MESSAGES = ["one", "two"]


@pytest.fixture
def client(deployment: Any) -> Iterator[Client]:
    deployment.answers |= {"planner": lambda _: PLAN, "triage": lambda _: {"intent": "exchange_rate"}}
    deployment.start()
    app = create_api(deployment.ledger, deployment.catalog, deployment.settings)
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with Client(f"http://127.0.0.1:{server.config.port}") as client:
        yield client
    server.should_exit = True
    thread.join()


def test_a_goal_is_asked_and_answered_in_one_call(client: Client) -> None:
    goal = client.run("Count what they want", {"messages": MESSAGES})
    assert goal["state"] == "succeeded", goal
    assert goal["result"]["total"] == 2


def test_the_events_come_as_they_happen_and_resume_where_they_were_left(client: Client) -> None:
    goal_id = client.submit(PLAN, {"messages": MESSAGES})["id"]
    events = list(client.events(goal_id))
    assert events[0].name == "run.accepted"
    assert events[-1].name == "run.ended"
    assert list(client.events(goal_id, after=events[-2].id)) == events[-1:]
    assert list(client.events(goal_id, after=events[-1].id)) == []


def test_one_job_comes_back_with_its_output(client: Client) -> None:
    assert client.job("triage", {"text": "one"})["output"] == {"intent": "exchange_rate"}


def test_a_refusal_carries_every_fault(client: Client) -> None:
    with pytest.raises(ApiError) as refused:
        client.submit({"steps": [{"id": "s1", "type": "sumarize"}, {"id": "s2", "type": "triage"}]})
    assert (refused.value.status, len(refused.value.errors)) == (422, 2)


def test_an_unknown_goal_is_a_refusal_in_the_events_too(client: Client) -> None:
    with pytest.raises(ApiError, match="no goal 'nothing'"):
        list(client.events("nothing"))


def test_nobody_at_the_address_is_said_with_the_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Client(url) as client, pytest.raises(ApiUnreachable, match=url):
        client.recent()
