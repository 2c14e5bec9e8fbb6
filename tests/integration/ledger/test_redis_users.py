"""Each kind of process has a user of its own in Redis: what it needs works, and nothing beside it does."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import redis

from coordinator.keys.check import KeyCheck
from coordinator.keys.keyring import Keyring
from infra.access import Quota, Scope, Spend
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.redis.client import broker_url, client_of, connect
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer, binary, free_port
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.queue.protocol import QueueRefused
from infra.records import Job, JobState, RunRecord
from infra.settings import Settings
from tests.support.eventually import eventually

USERS_FILE = Path(__file__).parents[3] / "infra/deploy/redis/users.acl"
WAIT_S = 60
SECRET = "my card was swallowed in Hintertupfing"
MOOD = """
engine = "scripted"
[decoding]
format = "lines"
max_tokens = 8
"""

Role = Callable[[str], Settings]


def users() -> dict[str, str]:
    """The lines of users.acl, as `start.sh` reads them: a user's name and rights."""
    lines = (line.split(" ", 2) for line in USERS_FILE.read_text().splitlines())
    return {words[1]: words[2] for words in lines if words[0] == "user"}


def password_of(name: str) -> str:
    return f"{name}'s: /own?"


def words_of(name: str, rights: str) -> list[str]:
    """A user as Redis is told of it; as `start.sh` does, with the hash of its password."""
    entry = [] if name == "default" else ["on", f"#{hashlib.sha256(password_of(name).encode()).hexdigest()}"]
    return [name, *entry, *rights.split()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis-users")) as server:
        yield server


@pytest.fixture(scope="module")
def admin(server: RedisServer) -> Iterator[redis.Redis]:
    """A connection from before the default user was shut out."""
    with client_of(server.url, single_connection_client=True) as client:
        client.ping()
        for name, rights in users().items():
            client.execute_command("ACL SETUSER", *words_of(name, rights))
        yield client


@pytest.fixture
def role(server: RedisServer, admin: redis.Redis, tmp_path: Path) -> Iterator[Role]:
    """The settings of a user's process. No process may have asked for what its user has no right to."""
    admin.acl_log_reset()

    def settings(name: str) -> Settings:
        (tmp_path / name).write_text(f"{password_of(name)}\n")
        url = server.url.replace("://", f"://{name}@")
        return Settings(_env_file=None, redis_url=url, redis_password_file=tmp_path / name)

    yield settings
    admin.flushall()


@pytest.fixture
def mood(write_specialist: Callable[..., Path]) -> str:
    text = {"text": {"type": "string", "maxLength": 100}}
    files = {
        "prompt.txt": "{{text}}\nMood:",
        "examples.jsonl": json.dumps({"input": {"text": SECRET}, "output": {"mood": "bad"}}),
    }
    return json.dumps([str(write_specialist("mood", MOOD, text, {"mood": {"enum": ["good", "bad"]}}, files))])


def release(settings: Settings, run_id: str) -> RedisLedger:
    """A run of one job, as the API stores it."""
    ledger = RedisLedger(connect(settings), settings.prefix)
    job = Job(id=Job.name(run_id, "s1", 0), type="mood", input={"text": SECRET}, run_id=run_id, step_id="s1", index=0)
    ledger.create_run(RunRecord(id=run_id, created_ms=1, body={}), [job], [])
    return ledger


def dispatch(settings: Settings) -> None:
    """As a coordinator does."""
    ledger, queue = RedisLedger(connect(settings), settings.prefix), CeleryQueue(create_app(settings))
    for job_type, job_id in [*ledger.take_ready(100), *ledger.sweep(silent_ms=5_000)]:
        queue.send(job_type, job_id)
    queue.close()
    ledger.close()


def start(start_worker: Callable[..., subprocess.Popen[str]], settings: Settings, specialists: str) -> None:
    password = str(settings.redis_password_file)
    start_worker("mood", specialists=specialists, redis_url=settings.redis_url, redis_password_file=password)


def ended(ledger: RedisLedger, job_id: str) -> bool:
    status = ledger.job(job_id)
    return bool(status and status.state is JobState.SUCCEEDED)


@pytest.fixture
def flower(role: Role) -> Iterator[str]:
    port = free_port()
    environment = {
        **os.environ,
        "CELERY_BROKER_URL": broker_url(role("flower")),
        "MANYHANDS_QUEUE_PREFIX": role("flower").queue_prefix,
        "FLOWER_BASIC_AUTH": "me:secret",
    }
    command = [sys.executable, "-m", "celery", "--quiet", "--config", "infra.deploy.flower_config"]
    options = [f"--port={port}", "--address=127.0.0.1", "--read_only=True"]
    process = subprocess.Popen([*command, "flower", *options], env=environment)
    yield f"http://me:secret@127.0.0.1:{port}"
    process.kill()
    process.wait()


def ends_next(coordinator: Settings, ledger: RedisLedger) -> bool:
    """Whether the job has ended, after another look by a coordinator."""
    dispatch(coordinator)
    return ended(ledger, "r1.s1.0")


def test_a_job_passes_with_each_process_s_own_user_and_flower_sees_it(
    role: Role, admin: redis.Redis, start_worker: Callable[..., subprocess.Popen[str]], mood: str, flower: str
) -> None:
    ledger = release(role("api"), "r1")
    start(start_worker, role("worker"), mood)
    eventually(lambda: _up(flower))
    eventually(lambda: ends_next(role("coordinator"), ledger))
    with httpx.Client(base_url=flower) as see:
        eventually(lambda: "mood" in see.get("/api/task/types").json()["task-types"])
        eventually(
            lambda: [q["name"] for w in see.get("/api/workers?refresh=1").json().values() for q in w["active_queues"]]
        )
        eventually(lambda: "SUCCESS" in [task["state"] for task in see.get("/api/tasks").json().values()])
        lengths = {each["name"]: each["messages"] for each in see.get("/api/queues/length").json()["active_queues"]}
        assert lengths.pop("mood") == 0
        assert [(name.partition(".")[0], waiting) for name, waiting in lengths.items()] == [("mood", 0)]
        for page in ("/workers", "/tasks", "/broker", "/api/tasks", "/task/r1.s1.0"):
            assert "Hintertupfing" not in see.get(page).raise_for_status().text
    ledger.close()
    assert admin.acl_log() == []


def _up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthcheck").is_success
    except httpx.TransportError:
        return False


def test_all_keys_are_the_ledger_s_or_the_queue_s(
    role: Role, admin: redis.Redis, start_worker: Callable[..., subprocess.Popen[str]], mood: str
) -> None:
    ledger = release(role("api"), "r1")
    start(start_worker, role("worker"), mood)
    eventually(lambda: ends_next(role("coordinator"), ledger))
    ledger.close()
    assert {key.partition(":")[0] for key in admin.scan_iter()} == {"mh", "mq"}


DENIED = {
    "api": ["LLEN mq:mood", "LPUSH mq:mood x", "PUBLISH mq:/0.celeryev/task.sent x", "GET other"],
    "coordinator": ["LRANGE mq:mood 0 -1", "BRPOP mq:mood 1", "PSUBSCRIBE mq:/0.celery.pidbox", "GET other"],
    "worker": ["GET other", "PSUBSCRIBE *", "PUBLISH other x"],
    "flower": ["GET mh:job:r1.s1.0", "HGETALL mh:run:r1", "EVALSHA {0} 1 mh:runs", "LPUSH mq:mood x", "BRPOP mq:mood 1",
               "HSET mq:unacked x y", "SET mq:mood x", "DEL mq:mood", "LRANGE mq:mood 0 -1"],
    "health": ["GET mh:runs", "INFO", "CLIENT LIST"],
}  # fmt: skip
NOBODY = [
    "KEYS *", "SCAN 0", "RANDOMKEY", "FLUSHALL", "CONFIG GET *", "ACL LIST", "MONITOR", "SHUTDOWN",
    "SAVE", "REPLICAOF NO ONE", "MODULE LIST", "EVAL return 0", "FUNCTION LIST", "SCRIPT FLUSH", "SUBSCRIBE other",
]  # fmt: skip


@pytest.mark.parametrize("name", DENIED)
def test_a_user_has_no_right_beyond_its_process_s_work(role: Role, admin: redis.Redis, name: str) -> None:
    admin.rpush("mq:mood", "x")
    script = admin.script_load("return redis.call('LRANGE', KEYS[1], 0, -1)")
    with connect(role(name)) as client:
        assert client.ping()
        for command in [*DENIED[name], *NOBODY]:
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command.format(script).split())


def test_a_send_that_is_refused_names_the_right_that_is_missing(role: Role) -> None:
    queue = CeleryQueue(create_app(role("api")))
    with pytest.raises(QueueRefused, match=r"^cannot send job 'r1\.s1\.0' to queue 'mood': .*permission"):
        queue.send("mood", "r1.s1.0")
    queue.close()


def test_a_coordinator_may_purge_the_queue_of_a_type(role: Role, admin: redis.Redis) -> None:
    queue = CeleryQueue(create_app(role("coordinator")))
    queue.send("mood", "r1.s1.0")
    assert queue.waiting("mood") == 1

    queue.purge("mood")

    assert queue.waiting("mood") == 0
    queue.close()
    assert admin.acl_log() == []


def test_the_api_may_not_purge_a_queue(role: Role, admin: redis.Redis) -> None:
    admin.rpush("mq:mood", "x")
    queue = CeleryQueue(create_app(role("api")))
    with pytest.raises(QueueRefused, match=r"^cannot purge queue 'mood': .*permission"):
        queue.purge("mood")
    queue.close()
    assert admin.llen("mq:mood") == 1


def test_a_script_reaches_no_further_than_who_runs_it(role: Role, admin: redis.Redis) -> None:
    admin.set("mh:job:r1.s1.0", SECRET)
    with connect(role("flower")) as client:
        script = client.script_load("return redis.call('GET', 'mh:job:r1.s1.0')")
        with pytest.raises(redis.ResponseError, match=r"ACL failure|NOPERM|can't access"):
            client.evalsha(script, 0)


def test_nobody_gets_in_without_a_user(server: RedisServer, admin: redis.Redis) -> None:
    with client_of(server.url) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_server_that_starts_with_these_users_has_all_back_that_a_transaction_wrote(tmp_path: Path) -> None:
    """Redis 7.0 reads its append-only file with the default user's rights, and skips what they do not cover."""
    port = free_port()
    lines = [f"user {' '.join(words_of(name, rights))}" for name, rights in users().items()]
    options = [f"port {port}", "bind 127.0.0.1", f'dir "{tmp_path}"', "appendonly yes", "appendfsync always", 'save ""']
    (tmp_path / "redis.conf").write_text("\n".join([*options, *lines]) + "\n")
    url = f"redis://worker:{quote(password_of('worker'), safe='')}@127.0.0.1:{port}/0"
    for found in (None, "kept"):
        process = subprocess.Popen([binary(), str(tmp_path / "redis.conf")], stdout=subprocess.DEVNULL)
        with client_of(url) as client:
            eventually(partial(_answers, client))
            assert client.get("mh:first") == found
            with client.pipeline() as pipe:
                pipe.set("mh:first", "kept").set("mh:second", "kept").execute()
        process.kill()
        process.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_every_user_of_a_process_has_a_secret() -> None:
    examples = Path(__file__).parents[3] / "infra/deploy/docker/secrets/example"
    assert {f"redis_{name}" for name in users()} - {"redis_default"} == {file.name for file in examples.glob("redis_*")}


def test_the_api_may_wait_for_replicas(role: Role) -> None:
    with connect(role("api")) as client:
        ledger = RedisLedger(client, "mh", replicas=1)
        with pytest.raises(LedgerUnavailable, match="0 of 1 replicas"):
            ledger.create_run(RunRecord(id="waits", created_ms=1, body={}), [], [])


def test_a_coordinator_may_forget_those_before_it(role: Role) -> None:
    with connect(role("coordinator")) as client:
        former, ledger = (RedisLedger(client, "mh", retention_s=seconds) for seconds in (600, 0))
        former.outcomes("former", 1, 0)
        assert client.xinfo_consumers("mh:outcomes", "coordinator")
        time.sleep(0.01)  # longer ago than it is kept for
        ledger.sweep(20_000)
        assert client.xinfo_consumers("mh:outcomes", "coordinator") == []


def test_the_api_may_keep_keys_and_count_what_tenants_take_and_a_coordinator_may_charge(
    role: Role, admin: redis.Redis
) -> None:
    spends = [Spend("jobs-minute", 5, 60, 3)]
    with closing(ledger_of(role("api"))) as api, closing(ledger_of(role("coordinator"))) as coordinator:
        key, secret = Keyring(api).create("acme", [Scope.READ], lifetime_s=60)
        api.set_quota("acme", Quota(running=1))
        assert KeyCheck(api).look_up(secret).key_id == key.id
        assert api.spend("acme", "r1", spends, 1).enters
        assert api.spend("acme", "r2", spends, 1).refused == [0]
        coordinator.charge("acme", spends)
        api.give_back("acme", "r1", spends)
        assert api.end_key(key.id)
    assert admin.acl_log() == []


def ledger_of(settings: Settings) -> RedisLedger:
    return RedisLedger(connect(settings), settings.prefix)
