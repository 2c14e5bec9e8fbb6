"""Lists and batches, as the Python client reads and sends them, against the API on a real socket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
import pytest

from coordinator.client import ApiError, ApiUnreachable, Client, batches
from coordinator.client import lists as client_lists
from infra.process.redis_server import free_port
from tests.support.deployment import Deployment

COUNT = {"type": "count", "input": {"items": [{"intent": "a"}], "field": "intent"}}
BROKEN = {"columns": [["x"], []]}  # of unequal length: it fails
PLAN = {"steps": [{"id": "s1", "type": "count", "args": COUNT["input"]}]}


@pytest.fixture
def client(deployment: Deployment, url: str) -> Iterator[Client]:
    with Client(url, "acme") as client:
        yield client


def test_lists_are_read_page_by_page_as_they_are_needed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_lists, "PAGE", 2)
    goals = [client.submit(PLAN, tags=["odd"] if number % 2 else ["even"])["id"] for number in range(5)]
    asked: list[str] = []
    respond = client._respond

    def counted(method: str, path: str, *rest: Any) -> httpx.Response:
        asked.append(path)
        return respond(method, path, *rest)

    monkeypatch.setattr(client, "_respond", counted)

    assert [goal["id"] for goal in islice(client.list_goals(), 2)] == goals[:2:-1]
    assert len(asked) == 1
    assert [goal["id"] for goal in client.list_goals(oldest_first=True)] == goals
    assert len(asked) == 4
    assert [goal["id"] for goal in client.list_goals("running", tags=["odd"], tenant="acme")] == [goals[3], goals[1]]
    assert [job["id"] for job in client.list_jobs("ready", job_type="count", oldest_first=True)] == [
        f"{goal}.s1.0" for goal in goals
    ]
    created = client.get(goals[2])["created_ms"]
    assert goals[2] in [goal["id"] for goal in client.list_goals(created_from_ms=created, created_to_ms=created)]
    assert list(client.list_goals(tenant="byte")) == []


def test_letters_are_listed_with_filters(deployment: Deployment, client: Client) -> None:
    deployment.start()
    jobs = [client.job("table", BROKEN, 30.0, tags=[f"n{number}"])["id"] for number in range(3)]

    assert sorted(letter["job_id"] for letter in client.list_letters("failed", job_type="table")) == sorted(jobs)
    (letter,) = client.list_letters(tags=["n1"], tenant="acme")
    assert letter["job_id"] == jobs[1]
    assert list(client.list_letters(ended_to_ms=letter["at_ms"] - 60_000, oldest_first=True)) == []


def test_what_is_wrong_with_a_list_is_said_and_an_outage_too(client: Client) -> None:
    with pytest.raises(ApiError, match=r"query\.state"):
        list(client.list_goals("done"))
    with Client(f"http://127.0.0.1:{free_port()}") as nowhere, pytest.raises(ApiUnreachable):
        list(nowhere.list_jobs())


def test_any_number_of_jobs_is_sent_in_as_many_requests_as_they_need(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "JOBS_A_REQUEST", 3)
    jobs = [COUNT | {"tags": [f"n{number}"]} for number in range(7)]
    jobs[4] = {"type": "sumarize", "input": {}}

    items = client.submit_jobs(iter(jobs), key="monday")
    again = client.submit_jobs(jobs, key="monday")

    assert [item["status"] for item in items] == [202, 202, 202, 202, 422, 202, 202]
    assert [item["id"] for item in again] == [item["id"] for item in items]
    for number in (0, 3, 6):
        (job,) = client.list_jobs(tags=[f"n{number}"])
        assert (job["id"], job["tenant"]) == (items[number]["id"], "acme")
    assert client.submit_jobs([]) == []


def test_large_jobs_go_in_requests_of_their_own(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BYTES_A_REQUEST", 200_000)
    large = {"type": "count", "input": {"items": [{"intent": "x" * 90_000}], "field": "intent"}}

    assert [item["status"] for item in client.submit_jobs([large] * 5)] == [202] * 5


def test_what_finds_no_room_is_sent_again_when_the_api_says(
    deployment: Deployment, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 1:
            client.set_state("count", "open")

    client.set_state("count", "draining")
    monkeypatch.setattr(time, "sleep", rest)
    items = client.submit_jobs([COUNT, {"type": "sumarize", "input": {}}])

    assert [item["status"] for item in items] == [202, 422]
    assert rests == [10]
