"""Whether requests that wait give their places back, and whether the API answers meanwhile: connections come and go."""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection

import httpx

from benchmarks.delivery.cluster import NOOP, delivery_cluster
from benchmarks.delivery.tables import Row, show
from infra.process.redis_server import free_port

CONNECTIONS = 2000
ROUNDS = 5
COME_S = 1.0  #: within which the connections of a round come
STAY_S = 2.0  #: at most; those that stay longest all leave in one moment
TENANTS = ("a", "b")  #: one may not have all places
PATHS = ("/v1/jobs/{job}?wait=60", "/v1/goals/{goal}?wait=60", "/v1/goals/{goal}/events")
LOOK_S = 0.02
LATEST_S = 30.0
WAITING = re.compile(rb"^manyhands_api_waiting_requests (\S+)$", re.MULTILINE)
NOTE = f"""
{CONNECTIONS} connections in {ROUNDS} rounds ask for the end of a job that does not end, and for events. Half of each
round leaves one by one, the other half in one moment, {STAY_S:g} s after the first came. `held`: the most places that
were taken. `free_s`: from the last closing of a round until no place is taken. `livez`: the time of `GET /livez`, asked
by another process every {1000 * LOOK_S:g} ms throughout.
"""


def waiters(connections: int = CONNECTIONS, rounds: int = ROUNDS) -> Row:
    with delivery_cluster(metrics_port=free_port()) as cluster:
        http = cluster.start_api()
        job: str = http.post("/v1/jobs", json={"type": NOOP, "input": {"item": 1}}).json()["id"]
        paths = [each.format(job=job, goal=job.partition(".")[0]) for each in PATHS]
        metrics = f"http://127.0.0.1:{cluster.settings.metrics_port}"
        with livez_times(f"{http.base_url}/livez") as times, httpx.Client(base_url=metrics) as places:
            crowds = [_round(places, cluster.settings.api_port, paths, connections // rounds) for _ in range(rounds)]
    row = summary(crowds, times)
    show([row], NOTE)
    return {"row": row, "livez_s": times}


def summary(crowds: list[Crowd], times: list[float]) -> Row:
    statuses = sum((each.statuses for each in crowds), Counter[str]())
    return {
        "connections": sum(each.came for each in crowds),
        "turned_away": statuses["503"],
        "held": max(each.held for each in crowds),
        "free_s_median": statistics.median(each.free_s for each in crowds),
        "free_s_max": max(each.free_s for each in crowds),
        "livez_count": len(times),
        "livez_ms_median": 1000 * statistics.median(times),
        "livez_ms_max": 1000 * max(times),
    }


class Crowd:
    """The connections of one round."""

    def __init__(self) -> None:
        self.came = 0
        self.statuses: Counter[str] = Counter()  #: of those that were answered while they stayed
        self.held = 0
        self.free_s = 0.0

    async def come(self, port: int, paths: list[str], count: int, places: httpx.Client) -> None:
        began = time.monotonic()
        visits = [asyncio.create_task(self._visit(port, paths[n % len(paths)], n, began)) for n in range(count)]
        while any(not each.done() for each in visits):
            self.held = max(self.held, await asyncio.to_thread(taken, places))
            await asyncio.sleep(LOOK_S)
        await asyncio.gather(*visits)

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
    crowd = Crowd()
    asyncio.run(crowd.come(port, paths, count, places))
    left = time.monotonic()
    while taken(places):
        if time.monotonic() > left + LATEST_S:
            raise RuntimeError(f"{taken(places)} places are taken {LATEST_S:g} s after everybody has left")
        time.sleep(LOOK_S)
    crowd.free_s = time.monotonic() - left
    return crowd


def taken(places: httpx.Client) -> int:
    """The places that are taken now, as the API's metrics have it."""
    found = WAITING.search(places.get("/metrics").content)
    if found is None:
        raise RuntimeError("the API's metrics do not say how many requests wait")
    return round(float(found[1]))


@contextmanager
def livez_times(url: str) -> Iterator[list[float]]:
    """Filled at the end of the block: the seconds of each `GET /livez` during it."""
    times: list[float] = []
    here, there = Pipe()
    process = get_context("spawn").Process(target=_ask, args=(url, there), daemon=True)
    process.start()
    here.recv()  # it asks
    try:
        yield times
    finally:
        here.send(None)
        times += here.recv()
        process.join()


def _ask(url: str, pipe: Connection) -> None:
    times = []
    with httpx.Client(timeout=LATEST_S) as http:
        http.get(url).raise_for_status()
        pipe.send(None)
        while not pipe.poll(LOOK_S):
            began = time.monotonic()
            http.get(url).raise_for_status()
            times.append(time.monotonic() - began)
    pipe.send(times)
