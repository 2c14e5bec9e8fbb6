"""The ray engine in a real Ray cluster: deaths of actors and nodes, bad requests, scaling, who may join."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.settings import Settings
from specialists.manifest import RayHosting
from tests.support.eventually import eventually
from tests.support.jobs import await_ends, sent
from tests.support.ray_cluster import RayCluster
from workers.engines import Completion, Engine, EngineError, Finish, Request
from workers.engines.ray.actor import open_engine
from workers.engines.ray.engine import RayEngine
from workers.engines.ray.scaling import Rules
from workers.engines.scripted import ScriptedEngine

WAIT_S = 60
MOOD = """
engine = "ray"
[decoding]
format = "lines"
max_tokens = 8
[script]
median_s = 1
[ray]
engine = "scripted"
min_replicas = 2
max_replicas = 2
cpus = 0
"""


class Fragile(ScriptedEngine):
    """Broken once a file says so."""

    def __init__(self, folder: Path, delay_s: float) -> None:
        super().__init__({"echo": answer, "hold": partial(hold, folder)}, delay_s)
        self._mine = folder / f"broken-{os.getpid()}"

    def healthy(self) -> bool:
        return super().healthy() and not self._mine.exists()


def inner(folder: Path, delay_s: float) -> Engine:
    """In the actor: says which process it is, and answers with the prompt after a while."""
    (folder / f"pid-{os.getpid()}").touch()
    return Fragile(folder, delay_s)


def answer(request: Request) -> str:
    if request.prompt == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    return request.prompt


def hold(folder: Path, request: Request) -> str:
    eventually(lambda: (folder / "gate").exists())
    return request.prompt


Make = Callable[..., RayEngine]


@pytest.fixture
def make(ray_settings: Settings, tmp_path: Path) -> Iterator[Make]:
    """An engine with this many replicas, ready, of so many slots each."""
    made: list[RayEngine] = []

    def make(least: int, slots: int, delay_s: float = 0.3, cpus: float = 0, **rules: Any) -> RayEngine:
        limits = replace(Rules(least, least, slots), **rules)
        where = (RayHosting(cpus=cpus), ray_settings.ray_address, ray_settings.ray_token_file)
        made.append(RayEngine(partial(inner, tmp_path, delay_s), limits, *where))
        eventually(lambda: made[-1].stats().replicas == least)
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def submit(engine: RayEngine, *prompts: str, specialist: str = "echo") -> dict[str, Future[Completion]]:
    return {prompt: engine.submit(Request(prompt, specialist, prompt)) for prompt in prompts}


def pids(folder: Path) -> list[int]:
    """Of the actors that have started so far."""
    return [int(path.name.removeprefix("pid-")) for path in folder.glob("pid-*")]


def losses(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the fleet has said of each replica that it gave up."""
    return [record.getMessage() for record in caplog.records if record.__dict__.get("action") == "lose"]


def words(count: int) -> list[str]:
    return [f"word{n}" for n in range(count)]


def assert_answered(futures: dict[str, Future[Completion]]) -> None:
    assert {prompt: future.result(WAIT_S).text for prompt, future in futures.items()} == {p: p for p in futures}


def test_when_an_actor_is_killed_under_load_every_request_is_answered(make: Make, tmp_path: Path) -> None:
    engine = make(2, slots=8)
    futures = submit(engine, *words(64))
    eventually(lambda: engine.stats().running == 16)

    os.kill(pids(tmp_path)[0], signal.SIGKILL)

    assert_answered(futures)
    eventually(lambda: engine.stats().replicas == 2)
    assert engine.stats().restarts == 1
    assert engine.healthy()


def test_when_a_node_is_killed_under_load_every_request_is_answered(
    make: Make, ray_cluster: RayCluster, tmp_path: Path
) -> None:
    node = ray_cluster.add_node()
    engine = make(2, slots=8, cpus=5)  # of the eight that a node has: one replica a node
    futures = submit(engine, *words(64))
    eventually(lambda: engine.stats().running == 16)

    ray_cluster.kill(node)

    assert_answered(futures)  # though nothing can replace that replica
    assert sum(psutil.pid_exists(pid) for pid in pids(tmp_path)) == 1
    assert engine.healthy()


def test_a_request_that_kills_its_actors_fails_alone_after_the_second(make: Make) -> None:
    engine = make(2, slots=8)
    futures = submit(engine, *words(12), "poison", *(f"more {word}" for word in words(12)))
    poison = futures.pop("poison")

    with pytest.raises(EngineError, match="2 actors died") as caught:
        poison.result(WAIT_S)

    assert caught.value.retryable
    assert_answered(futures)


def test_a_cancel_and_a_deadline_hold_for_what_runs_and_for_what_waits(make: Make) -> None:
    engine = make(1, slots=1, delay_s=WAIT_S)
    futures = submit(engine, "runs", "waits")
    late = engine.submit(Request("late", "echo", "late", deadline=time.monotonic() + 0.2))
    eventually(lambda: (engine.stats().running, engine.stats().waiting) == (1, 1))
    assert late.result(WAIT_S / 2).finish is Finish.DEADLINE

    engine.cancel("waits")
    assert futures["waits"].result(WAIT_S / 2).finish is Finish.CANCELLED
    engine.cancel("runs")
    assert futures["runs"].result(WAIT_S / 2).finish is Finish.CANCELLED


def test_a_replica_whose_engine_broke_is_replaced(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = make(1, slots=4)

    (tmp_path / f"broken-{pids(tmp_path)[0]}").touch()

    # On a busy machine Ray may end the process of the new actor too. That is one more loss, and it is replaced as well.
    eventually(lambda: 0 < len(losses(caplog)) == engine.stats().restarts and engine.stats().replicas == 1)
    assert ["its engine broke" in loss for loss in losses(caplog)].count(True) == 1
    assert_answered(submit(engine, "tea"))


def test_replicas_follow_what_waits_here_and_in_the_ledger(make: Make, tmp_path: Path) -> None:
    engine = make(1, slots=2, delay_s=0.1, most=3, quiet_s=1.0)
    engine.expect(12, 0.0)
    eventually(lambda: engine.stats().replicas == 3)
    engine.expect(0, 0.0)
    held = submit(engine, "one", "two", specialist="hold")

    eventually(lambda: engine.stats().replicas == 1)  # the idle one is gone, and one of two that are at work drains
    assert not any(future.done() for future in held.values())
    (tmp_path / "gate").touch()

    assert_answered(held)
    assert engine.stats().restarts == 0


def test_a_specialist_whose_digest_is_another_on_the_node_is_refused(ray_settings: Settings) -> None:
    engine = RayEngine(
        partial(open_engine, "function", {"count": "0" * 64}, Settings()), Rules(1, 1, 4), RayHosting(cpus=0),
        ray_settings.ray_address, ray_settings.ray_token_file,
    )  # fmt: skip
    with pytest.raises(EngineError, match=r"specialist 'count' has digest .* the worker asked for 000000000000"):
        engine.await_ready(WAIT_S)
    assert not engine.healthy()


@pytest.fixture
def mood(write_specialist: Callable[..., Path]) -> str:
    """A specialist in Ray, as the setting wants it."""
    text = {"text": {"type": "string", "maxLength": 100}}
    example = {"input": {"text": "swallowed"}, "output": {"mood": "bad"}}
    files = {"prompt.txt": "{{text}}\nMood:", "examples.jsonl": json.dumps(example)}
    return json.dumps([str(write_specialist("mood", MOOD, text, {"mood": {"enum": ["good", "bad"]}}, files))])


def test_a_worker_with_another_token_is_refused(
    start_worker: Callable[..., subprocess.Popen[str]], mood: str, ray_cluster: RayCluster, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("0" * 64)

    worker = start_worker("mood", specialists=mood, ray_address=ray_cluster.address, ray_token_file=str(token))
    _, said = worker.communicate(timeout=WAIT_S)

    assert worker.returncode == 2
    assert "refuses our token" in said.splitlines()[-1]


ENVIRONMENT = """
import os, ray
from workers.engines.ray.cluster import join, leave
join(None, None)
read = ray.remote(lambda: sorted(name for name in os.environ if name.startswith("MANYHANDS_")))
print(ray.get(read.remote(), timeout=180))
leave()
"""


def test_processes_of_a_private_cluster_read_no_password() -> None:
    given = {"MANYHANDS_REDIS_PASSWORD": "k", "MANYHANDS_REDIS_URL": "redis://:k@127.0.0.1", "MANYHANDS_SLOTS": "8"}
    env = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "MANYHANDS_"))} | given
    command = [sys.executable, "-c", ENVIRONMENT]

    # A whole cluster starts for it, which took more than a minute where other processes used the cores.
    found = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, timeout=4 * WAIT_S, check=True)

    assert found.stdout == "['MANYHANDS_SLOTS']\n"


def test_a_worker_whose_actor_is_killed_commits_every_job_once(
    start_worker: Callable[..., subprocess.Popen[str]],
    mood: str,
    ray_cluster: RayCluster,
    redis_url: str,
    redis_client: redis.Redis,
) -> None:
    settings = Settings(redis_url=redis_url)
    ledger, queue = RedisLedger(redis_client, settings.prefix), CeleryQueue(create_app(settings))
    address, token = ray_cluster.address, str(ray_cluster.token_file)
    eventually(lambda: not ray_cluster.actors())  # those of other tests
    worker = start_worker("mood", specialists=mood, slots="8", ray_address=address, ray_token_file=token)
    eventually(lambda: ledger.workers() and len(ray_cluster.actors()) == 2)
    jobs = sent(ledger, queue, "mood", [{"text": "swallowed"}] * 64)
    eventually(lambda: ledger.depths()["mood"]["running"] == 16)  # two replicas of eight slots

    min(ray_cluster.actors(), key=psutil.Process.create_time).kill()

    await_ends(ledger, jobs)
    outcomes = [outcome for _, outcome in ledger.outcomes("test", limit=1000, wait_ms=0)]
    assert sorted(outcome.job_id for outcome in outcomes) == sorted(jobs)
    assert {(outcome.attempt, str(outcome.output)) for outcome in outcomes} == {(1, "{'mood': 'bad'}")}
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT_S) == 0
    queue.close()
