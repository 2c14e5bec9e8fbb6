"""Whether requests that wait give their places back, and whether the API answers meanwhile: connections come and go."""

from __future__ import annotations

import asyncio
import os
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx

from benchmarks.delivery.cluster import NOOP, delivery_cluster
from benchmarks.delivery.tables import Row, percentile, show
from infra.process.redis_server import free_port

CONNECTIONS = 2000
ROUNDS = 5
COME_S = 1.0  #: within which the connections of a round come
STAY_S = 2.0  #: at most; those that stay longest all leave in one moment
TENANTS = ("a", "b")  #: one may not have all places
PATHS = ("/v1/jobs/{job}?wait=60", "/v1/goals/{goal}?wait=60", "/v1/goals/{goal}/events")
LOOK_S = 0.02  #: pause between two questions to `/livez`, and between two to the floor
PLACES_S = 0.1  #: pause between two looks at the metrics, which cost the API some milliseconds each
CROWD_NICE = 10  #: the crowd is not what is measured: it gives way to the API where both want a core
LATEST_S = 30.0
WAITING = re.compile(rb"^manyhands_api_waiting_requests (\S+)$", re.MULTILINE)
NOTE = f"""
{CONNECTIONS} connections in {ROUNDS} rounds ask for the end of a job that does not end, and for events. Half of each
round leaves one by one, the other half in one moment, {STAY_S:g} s after the first came. `held`: the most places that
were taken. `free_s`: from the last closing of a round until no place is taken, looked at every {1000 * PLACES_S:g} ms.
`livez`: the time of `GET /livez`, asked by another process every {1000 * LOOK_S:g} ms throughout. `own`: the same
without the time in which the API's event loop was ready and other processes had its core. `floor`: the same question,
asked in turn with it, to a process that does nothing else: what the machine itself holds up.
"""


def waiters(connections: int = CONNECTIONS, rounds: int = ROUNDS) -> Row:
    with delivery_cluster(metrics_port=free_port()) as cluster:
        http = cluster.start_api()
        job: str = http.post("/v1/jobs", json={"type": NOOP, "input": {"item": 1}}).json()["id"]
        paths = [each.format(job=job, goal=job.partition(".")[0]) for each in PATHS]
        metrics = f"http://127.0.0.1:{cluster.settings.metrics_port}"
        port, count = cluster.settings.api_port, connections // rounds
        with (
            nothing_else() as floor,
            answer_times(f"{http.base_url}/livez", floor, cluster.api.pid) as times,
            httpx.Client(base_url=metrics, headers={"Accept-Encoding": "identity"}) as places,
        ):
            crowds = [_round(places, port, paths, count) for _ in range(rounds)]
    row = summary(crowds, times)
    show([row], NOTE)
    return {"row": row, **times._asdict()}


class Times(NamedTuple):
    """Seconds of each answer."""

    livez_s: list[float]
    own_s: list[float]
    floor_s: list[float]


def summary(crowds: list[Crowd], times: Times) -> Row:
    statuses = sum((each.statuses for each in crowds), Counter[str]())
    return {
        "connections": sum(each.came for each in crowds),
        "turned_away": statuses["503"],
        "held": max(each.held for each in crowds),
        "free_s_median": statistics.median(each.free_s for each in crowds),
        "free_s_max": max(each.free_s for each in crowds),
        "livez_count": len(times.livez_s),
        "livez_ms_median": 1000 * statistics.median(times.livez_s),
        "livez_ms_p99": 1000 * percentile(times.livez_s, 99),
        "livez_ms_max": 1000 * max(times.livez_s),
        "own_ms_p99": 1000 * percentile(times.own_s, 99),
        "own_ms_max": 1000 * max(times.own_s),
        "floor_ms_median": 1000 * statistics.median(times.floor_s),
        "floor_ms_max": 1000 * max(times.floor_s),
    }


class Crowd:
    """The connections of one round."""

    def __init__(self) -> None:
        self.came = 0
        self.statuses: Counter[str] = Counter()  #: of those that were answered while they stayed
        self.held = 0
        self.free_s = 0.0

    async def come(self, port: int, paths: list[str], count: int) -> None:
        began = time.monotonic()
        await asyncio.gather(*(self._visit(port, paths[n % len(paths)], n, began) for n in range(count)))

    async def _visit(self, port: int, path: str, number: int, began: float) -> None:
        await asyncio.sleep(random.uniform(0, COME_S))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        tenant = TENANTS[number % len(TENANTS)]
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Tenant: {tenant}\r\n\r\n".encode())
        self.came += 1
        left_s = began + STAY_S - time.monotonic()
        with suppress(TimeoutError):
            line = await asyncio.wait_for(reader.readline(), left_s if number % 4 < 2 else random.uniform(0, left_s))
            self.statuses[line.split()[1].decode() if line else "closed"] += 1
        if number % 4 < 2:
            await asyncio.sleep(max(0.0, began + STAY_S - time.monotonic()))
        writer.transport.abort() if number % 2 else writer.close()


def _round(places: httpx.Client, port: int, paths: list[str], count: int) -> Crowd:
    held = 0
    with _beside(_come, port, paths, count) as pipe:
        while not pipe.poll(PLACES_S):
            held = max(held, taken(places))
        crowd, left = cast("tuple[Crowd, float]", pipe.recv())
    crowd.held = held
    while taken(places):
        if time.monotonic() > left + LATEST_S:
            raise RuntimeError(f"{taken(places)} places are taken {LATEST_S:g} s after everybody has left")
        time.sleep(PLACES_S)
    crowd.free_s = time.monotonic() - left
    return crowd


def _come(pipe: Connection, port: int, paths: list[str], count: int) -> None:
    os.nice(CROWD_NICE)
    crowd = Crowd()
    asyncio.run(crowd.come(port, paths, count))
    pipe.send((crowd, time.monotonic()))  # one clock for all processes


def taken(places: httpx.Client) -> int:
    """The places that are taken now, as the API's metrics have it."""
    found = WAITING.search(places.get("/metrics").content)
    if found is None:
        raise RuntimeError("the API's metrics do not say how many requests wait")
    return round(float(found[1]))


@contextmanager
def answer_times(livez: str, floor: str, pid: int) -> Iterator[Times]:
    """Filled at the end of the block. `pid`: of the process that answers at `livez`."""
    times = Times([], [], [])
    with _beside(_ask, livez, floor, pid) as pipe:
        pipe.recv()  # it asks
        yield times
        pipe.send(None)
        for each, found in zip(times, pipe.recv(), strict=True):
            each += found


@contextmanager
def nothing_else() -> Iterator[str]:
    """The address of a process that answers one client, and does nothing else."""
    with _beside(_answer) as pipe:
        yield pipe.recv()


@contextmanager
def _beside(target: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    here, there = Pipe()
    process = get_context("spawn").Process(target=target, args=(there, *arguments), daemon=True)
    process.start()
    try:
        yield here
    finally:
        process.kill()
        process.join()


def _ask(pipe: Connection, livez: str, floor: str, pid: int) -> None:
    times = Times([], [], [])
    with httpx.Client(timeout=LATEST_S) as http:
        _answer_s(http, livez)
        pipe.send(None)
        while not pipe.poll(LOOK_S):
            waited_s = _waited_s(pid)
            times.livez_s.append(_answer_s(http, livez))
            times.own_s.append(max(0.0, times.livez_s[-1] - (_waited_s(pid) - waited_s)))
            times.floor_s.append(_answer_s(http, floor))
    pipe.send(times)


def _answer_s(http: httpx.Client, url: str) -> float:
    began = time.monotonic()
    http.get(url).raise_for_status()
    return time.monotonic() - began


def _waited_s(pid: int) -> float:
    """How long the process's main thread has waited for a core since it began."""
    return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9


def _answer(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline() not in (b"\r\n", b""):
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    await server.serve_forever()
