"""Requests that wait, over real sockets: a place is free soon after its client has gone, and nobody has them all."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from coordinator.api.build import WAITING
from coordinator.api.waiting.places import SHARE
from infra.records import TypeState
from tests.support.deployment import Deployment
from tests.support.eventually import eventually

MOST = int(WAITING * SHARE)
PATHS = ("/v1/jobs/{job}?wait=60", "/v1/goals/{goal}?wait=60", "/v1/goals/{goal}/events")


@pytest.fixture
def job(deployment: Deployment, url: str) -> dict[str, str]:
    """Of a paused type: it does not end."""
    deployment.ledger.set_type_state("triage", TypeState.PAUSED)
    accepted = httpx.post(f"{url}/v1/jobs", json={"type": "triage", "input": {"text": "hi"}}).json()
    return {"job": accepted["id"], "goal": accepted["id"].partition(".")[0]}


@contextmanager
def waiting(url: str, path: str) -> Iterator[Callable[[], None]]:
    """`add()`: one more client that waits for an answer. At the end all of them go without a word."""
    address = urlsplit(url)
    head = f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 6\r\n\r\n"
    request = f"{head}unread".encode()  # a body that no route takes
    sockets = []

    def add() -> None:
        sockets.append(socket.create_connection((address.hostname, address.port)))
        sockets[-1].sendall(request)

    try:
        yield add
    finally:
        for each in sockets:
            each.close()


def status(url: str, path: str, tenant: str | None = None) -> int:
    headers = {"X-Tenant": tenant} if tenant else {}
    return httpx.get(f"{url}{path}", headers=headers, timeout=30).status_code


def until(url: str, path: str, wanted: int, within_s: float, meanwhile: Callable[[], None] = lambda: None) -> None:
    found: list[int] = []

    def look() -> bool:
        found.append(status(url, path))
        if found[-1] != wanted:
            meanwhile()
        return found[-1] == wanted

    eventually(look, lambda: f"still {found[-1]}", within_s)


@pytest.mark.parametrize("path", PATHS)
def test_places_are_free_again_soon_after_their_clients_have_gone(url: str, job: dict[str, str], path: str) -> None:
    asked = f"/v1/jobs/{job['job']}?wait=0.01"
    with waiting(url, path.format(**job)) as add:
        for _ in range(MOST):
            add()
        until(url, asked, 503, within_s=30, meanwhile=add)  # for each that was turned away while this one looked
        assert status(url, f"/v1/jobs/{job['job']}") == 200  # who does not wait needs no place
        assert status(url, asked, "another") == 200  # and one tenant has not all of them
    until(url, asked, 200, within_s=5)


def test_a_client_that_has_begun_its_next_request_gives_its_place_back_too(url: str, job: dict[str, str]) -> None:
    address, asked = urlsplit(url), f"/v1/jobs/{job['job']}?wait=0.01"
    request = f"GET /v1/jobs/{job['job']}?wait=60 HTTP/1.1\r\nHost: here\r\n\r\n".encode()
    sockets = [socket.create_connection((address.hostname, address.port)) for _ in range(MOST)]
    for each in sockets:
        each.sendall(request)
    until(url, asked, 503, within_s=30)
    for each in sockets:
        each.sendall(request)
    for each in sockets:
        each.sendall(b"GET /livez")  # the server has stopped to read: it has a whole request already
    for each in sockets:
        each.close()
    until(url, asked, 200, within_s=5)


def test_requests_that_come_together_are_answered_in_their_order(url: str, job: dict[str, str]) -> None:
    address = urlsplit(url)
    paths = [f"/v1/jobs/{job['job']}?wait=0.2", "/livez", f"/v1/jobs/{job['job']}", "/nowhere"]
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        for path in paths[:2]:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        time.sleep(0.05)
        client.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n" for path in paths[2:]).encode())
        answers = b""
        while answers.count(b"HTTP/1.1 ") < len(paths):
            answers += client.recv(65536)
    assert [each.split()[0] for each in answers.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"200", b"404"]


def test_head_is_refused_at_once_and_takes_no_place(url: str, job: dict[str, str]) -> None:
    for path in PATHS:
        assert httpx.head(f"{url}{path.format(**job)}", timeout=5).status_code == 405


def test_a_watcher_that_resumes_from_the_last_event_waits_for_the_next(url: str, job: dict[str, str]) -> None:
    path = f"{url}/v1/goals/{job['goal']}"
    with httpx.stream("GET", f"{path}/events", timeout=30) as stream:
        last = next(line for line in stream.iter_lines() if line.startswith("id: ")).removeprefix("id: ")
    with httpx.stream("GET", f"{path}/events", headers={"Last-Event-ID": last}, timeout=30) as stream:
        httpx.post(f"{path}/cancel").raise_for_status()
        told = [line for line in stream.iter_lines() if line.startswith("event: ")]
    assert told[-1] == "event: run.ended"


def test_a_client_that_comes_and_goes_keeps_nobody_out(url: str, job: dict[str, str]) -> None:
    for _ in range(MOST + 20):
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/v1/jobs/{job['job']}?wait=60", timeout=0.02)
    until(url, f"/v1/jobs/{job['job']}?wait=0.01", 200, within_s=5)
