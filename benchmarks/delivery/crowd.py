"""Callers of the API in an open loop; a refused caller comes back when it was told to. Judges nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.delivery.cluster import STEADY, DeliveryCluster
from infra.records import JobState

POLL_S = 0.25
CONNECTIONS = 64


@dataclass
class Caller:
    """One job that a caller wants done; times are seconds since the beginning."""

    came_s: float
    key: str = field(default_factory=lambda: uuid4().hex)  #: lets the API recognise a caller that comes back
    tries: int = 0
    told_s: float | None = None  #: the Retry-After of the first refusal
    refused_s: float | None = None  #: the time of the first refusal
    accepted_s: float | None = None
    job_id: str | None = None
    state: JobState | None = None
    wait_s: float | None = None  #: the job's wait until it was claimed
    latency_s: float | None = None


@dataclass
class Crowd:
    """All callers, and the responses that they got."""

    callers: list[Caller] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)  #: the duration of each request
    late_s: list[float] = field(default_factory=list)  #: how late each caller came, because CPU was short
    predicted: list[tuple[float, float]] = field(default_factory=list)  #: (when, the predicted wait of a new caller)


@dataclass(frozen=True)
class Scene:
    name: str
    rate: float  #: callers a second
    offered_s: float  #: for how long new callers come
    over_s: float  #: no caller comes back later than this
    body: Mapping[str, Any]
    given: Mapping[str, Any]  #: settings


async def come(cluster: DeliveryCluster, scene: Scene) -> Crowd:
    url = f"http://127.0.0.1:{cluster.settings.api_port}"
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=url, timeout=60.0, limits=limits) as http:
        show_up = _ShowUp(http, scene)
        return await show_up.run()


class _ShowUp:
    def __init__(self, http: httpx.AsyncClient, scene: Scene) -> None:
        self._http = http
        self._scene = scene
        self._body = {"type": STEADY, "input": {"item": 1}, **scene.body}
        self._began = time.monotonic()
        self._crowd = Crowd()

    async def run(self) -> Crowd:
        rate = self._scene.rate
        watching = asyncio.create_task(self._watch())
        async with asyncio.TaskGroup() as group:
            for n in range(round(rate * self._scene.offered_s)):
                await asyncio.sleep(max(0.0, n / rate - self._now_s()))
                self._crowd.late_s.append(self._now_s() - n / rate)
                group.create_task(self._insist(Caller(came_s=n / rate)))
        watching.cancel()
        return self._crowd

    def _now_s(self) -> float:
        return time.monotonic() - self._began

    async def _insist(self, caller: Caller) -> None:
        self._crowd.callers.append(caller)
        while caller.accepted_s is None:
            retry_s = await self._ask(caller)
            if retry_s is None:
                continue
            if self._now_s() + retry_s > self._scene.over_s:
                return
            await asyncio.sleep(retry_s)

    async def _ask(self, caller: Caller) -> float | None:
        """Ask once; return the Retry-After, or None if the caller was let in."""
        asked_s = self._now_s()
        response = await self._http.post("/v1/jobs", json=self._body, headers={"Idempotency-Key": caller.key})
        self._crowd.answers_s.append(self._now_s() - asked_s)
        caller.tries += 1
        if response.status_code == 202:
            caller.accepted_s, caller.job_id = self._now_s(), response.json()["id"]
            return None
        if response.status_code not in (429, 503):
            raise RuntimeError(f"POST /v1/jobs answered {response.status_code}: {response.text[:300]}")
        retry_s = float(response.headers["Retry-After"])
        if caller.told_s is None:
            caller.told_s, caller.refused_s = retry_s, self._now_s()
        return retry_s

    async def _watch(self) -> None:
        while True:
            response = await self._http.get(f"/v1/job-types/{STEADY}/load")
            predicted = response.raise_for_status().json()["predicted_wait_s"]
            if predicted is not None:
                self._crowd.predicted.append((self._now_s(), predicted))
            await asyncio.sleep(POLL_S)


def look_up(cluster: DeliveryCluster, crowd: Crowd) -> None:
    """Keep the outcomes of the accepted jobs."""
    for caller in crowd.callers:
        status = cluster.ledger.job(caller.job_id) if caller.job_id else None
        if status and status.outcome:
            usage = status.outcome.usage
            caller.state, caller.wait_s = status.state, usage.wait_ms / 1000
            caller.latency_s = (usage.wait_ms + usage.run_ms) / 1000
