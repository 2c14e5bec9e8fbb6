"""The cluster for measuring delivery: a function that does nothing, a scripted type of known speed, and the API."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from benchmarks.scale.cluster import SCRIPTED, START_S, Cluster, write_specialist
from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from infra.process.redis_server import free_port
from infra.records import RunState
from specialists.catalog import load_catalog

NOOP = "noop"  #: a function that does nothing
STEADY = "steady"  #: a scripted type whose jobs all take the same time
WAIT_S = 120.0
KEPT_APART = ("mem_aof_buffer", "mem_clients_normal", "mem_replication_backlog")

PLAIN = """engine = "function"
function = "noop.py:noop"
"""
FUNCTION = """def noop(input):
    if input["item"] < 0:
        raise ValueError
    return {"done": input["item"]}
"""
ITEM, DONE = {"item": {"type": "integer"}}, {"done": {"type": "integer"}}


class DeliveryCluster(Cluster):
    """`service_s`: time of a job of `STEADY`; a worker runs `slots` at once. A negative item fails in `NOOP`."""

    def __init__(self, folder: Path, service_s: float = 0.0, slots: int = 16, **given: Any) -> None:
        super().__init__(folder, service_s, slots, **given, api_port=free_port())
        steady = SCRIPTED.format(median_s=service_s, sigma=0, at_once=slots)
        example = json.dumps({"input": {"item": 0}, "output": {"done": 1}})
        files = {"prompt.txt": "{{item}}", "examples.jsonl": example}
        write_specialist(folder / "specialists" / STEADY, steady, ITEM, DONE, files)
        write_specialist(folder / "specialists" / NOOP, PLAIN, ITEM, DONE, {"noop.py": FUNCTION})

    @cached_property
    def goals(self) -> Goals:
        return Goals(self.ledger, load_catalog(self.settings.specialists, adapters=False), self.settings)

    def submit(self, items: int, job_type: str = NOOP) -> str:
        """Submit a goal of `items` jobs; return its run's id."""
        return self.goals.accept(goal_of(items, job_type)).id

    def await_ended(self, run_id: str) -> None:
        run = self.goals.wait(run_id, WAIT_S)
        if run.state is not RunState.SUCCEEDED:
            raise RuntimeError(f"run {run_id} is {run.state} after {WAIT_S:g} s at most: {run.failure}")

    def span_s(self, run_id: str) -> float:
        """The seconds from the release of its first jobs to the saving of its end, by Redis's clock."""
        events = f"{self.settings.prefix}:events:{run_id}"
        client: Any = self.client
        ((first, _),), ((last, _),) = client.xrange(events, count=1), client.xrevrange(events, count=1)
        return (_ms(last) - _ms(first)) / 1000

    def start_api(self) -> httpx.Client:
        """Start the API and return when it answers."""
        url = f"http://127.0.0.1:{self.settings.api_port}"
        self.api: subprocess.Popen[bytes] = self._start([sys.executable, "-m", "coordinator.api.app"], self.redis.url)
        self._stack.callback(self.stop, [self.api])
        http = self._stack.enter_context(httpx.Client(base_url=url, timeout=WAIT_S))
        until = time.monotonic() + START_S
        while not _answers(http):
            if self.api.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the API does not answer; {self._tail()}")
            time.sleep(0.1)
        return http

    def data_bytes(self) -> int:
        """Redis's memory in bytes, without the buffers of its clients and of its append-only file."""
        memory = self._info("memory")
        return int(memory["used_memory"]) - sum(int(memory.get(name, 0)) for name in KEPT_APART)


@contextmanager
def delivery_cluster(service_s: float = 0.0, slots: int = 16, **given: Any) -> Iterator[DeliveryCluster]:
    with tempfile.TemporaryDirectory() as folder, DeliveryCluster(Path(folder), service_s, slots, **given) as cluster:
        yield cluster


def goal_of(items: int, job_type: str = NOOP) -> Goal:
    step = {"id": "s1", "type": job_type, "map": {"over": {"$ref": "inputs.items"}, "as": "item"}}
    plan = {"steps": [{**step, "args": {"item": {"$ref": "item"}}}]}
    return Goal(plan=plan, inputs={"items": list(range(items))})


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _ms(entry: str) -> int:
    return int(entry.partition("-")[0])
