"""Worker processes on a real Redis: what is on the wire, how they start and how they stop."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner

import infra.cli
from infra.ledger.redis.client import client_of
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer
from infra.queue.celery_queue import CeleryQueue, create_app
from infra.queue.protocol import QueueUnavailable
from infra.records import JobState, RunState, strayed_line
from infra.settings import Settings
from tests.support.eventually import eventually
from tests.support.jobs import await_ends, await_state, sent
from tests.support.nap import nap_in
from tests.support.sweeper import sweeping
from workers.app import StartError, await_ledger

Start = Callable[..., subprocess.Popen[str]]

WAIT_S = 60
SECRET = "my card was swallowed in Hintertupfing"
MOOD = """
engine = "scripted"
[decoding]
format = "lines"
max_tokens = 8
"""


@pytest.fixture
def settings(redis_url: str, redis_client: redis.Redis) -> Settings:
    return Settings(redis_url=redis_url, visibility_timeout_s=5)


@pytest.fixture
def folders(write_specialist: Callable[..., Path], tmp_path: Path) -> str:
    """Specialists as the setting wants them.

    `mood` answers from a script, `slow` as well but not within a test, and `nap` is a function that takes time.
    """
    text = {"text": {"type": "string", "maxLength": 100}}
    example = {"input": {"text": SECRET}, "output": {"mood": "bad"}}
    files = {"prompt.txt": "{{text}}\nMood:", "examples.jsonl": json.dumps(example)}
    answer = {"mood": {"enum": ["good", "bad"]}}
    mood = write_specialist("mood", MOOD, text, answer, files)
    slow = write_specialist("slow", MOOD + "[script]\nmedian_s = 600\n[limits]\ntimeout_s = 900\n", text, answer, files)
    return json.dumps([str(mood), str(slow), str(nap_in(tmp_path))])


def unacknowledged(client: redis.Redis) -> int:
    return client.hlen("mq:unacked") + client.zcard("mq:unacked_index")


def test_a_worker_does_jobs_of_several_types(
    start_worker: Start, folders: str, ledger: RedisLedger, queue: CeleryQueue
) -> None:
    start_worker("mood", "nap", specialists=folders)
    (job_id,) = sent(ledger, queue, "mood", [{"text": SECRET}])
    outcome = await_state(ledger, job_id, JobState.SUCCEEDED).outcome
    assert outcome
    assert outcome.output == {"mood": "bad"}
    assert next(iter(ledger.workers().values()))["serves"] == {"mood": "1.0.0", "nap": "1.0.0"}


def test_a_worker_told_to_stop_ends_what_it_runs_and_leaves_no_message(
    start_worker: Start, folders: str, ledger: RedisLedger, queue: CeleryQueue, redis_client: redis.Redis
) -> None:
    worker = start_worker("nap", specialists=folders)
    (job_id,) = sent(ledger, queue, "nap", [{"seconds": 2}])
    await_state(ledger, job_id, JobState.RUNNING)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT_S) == 0
    status = ledger.job(job_id)
    assert status
    assert (status.state, status.attempt) == (JobState.SUCCEEDED, 1)
    assert unacknowledged(redis_client) == 0
    assert redis_client.llen("mq:nap") == 0


def test_a_worker_told_to_stop_hands_back_what_outlasts_its_grace_period(
    start_worker: Start, folders: str, ledger: RedisLedger, queue: CeleryQueue
) -> None:
    worker = start_worker("nap", specialists=folders, grace_s="0.2")
    (job_id,) = sent(ledger, queue, "nap", [{"seconds": 3}])
    await_state(ledger, job_id, JobState.RUNNING)
    worker.send_signal(signal.SIGTERM)
    assert await_state(ledger, job_id, JobState.READY).attempt == 0  # an end that is no fault of the job's
    assert worker.wait(WAIT_S) == 0


def test_a_job_of_a_cancelled_run_stops_at_once_and_its_slot_is_free(
    start_worker: Start, folders: str, ledger: RedisLedger, queue: CeleryQueue
) -> None:
    """Its lease would be looked at twenty minutes later: only the ledger's word to stop can have ended it."""
    start_worker("slow", specialists=folders, lease_s="3600", slots="1")
    (job_id,) = sent(ledger, queue, "slow", [{"text": SECRET}], run_id="r1")
    await_state(ledger, job_id, JobState.RUNNING)
    (next_id,) = sent(ledger, queue, "slow", [{"text": SECRET}], run_id="r2")

    run = ledger.load_run("r1")
    assert run
    assert ledger.advance(run.model_copy(update={"state": RunState.CANCELLED}), [], [], [])

    await_state(ledger, next_id, JobState.RUNNING)  # in the one slot that there is
    assert await_state(ledger, job_id, JobState.CANCELLED).attempt == 1


def test_a_cancelled_job_of_a_run_that_goes_on_stops_too(
    start_worker: Start, folders: str, ledger: RedisLedger, queue: CeleryQueue
) -> None:
    start_worker("slow", specialists=folders, lease_s="3600", slots="1")
    first, second = sent(ledger, queue, "slow", [{"text": SECRET}, {"text": SECRET}])
    await_state(ledger, first, JobState.RUNNING)
    assert ledger.cancel([first]) == 1
    await_state(ledger, second, JobState.RUNNING)


def test_a_message_is_not_delivered_again_while_its_handler_runs(queue: CeleryQueue, redis_client: redis.Redis) -> None:
    calls: list[str] = []
    done = threading.Event()

    def handler(job_id: str) -> None:
        calls.append(job_id)
        time.sleep(9)  # the visibility time-out is 5 s
        done.set()

    server = threading.Thread(target=queue.serve, args=({"nap": handler}, 4, "test@here"))
    server.start()
    queue.send("nap", "r1.s1.0")
    assert done.wait(WAIT_S)
    queue.stop()
    server.join(WAIT_S)
    assert calls == ["r1.s1.0"]
    assert unacknowledged(redis_client) == 0


@contextmanager
def overheard(url: str) -> Iterator[list[bytes]]:
    """Every command that anybody sends to this Redis, as MONITOR tells it."""
    said: list[bytes] = []
    ended = threading.Event()
    with client_of(url) as client, client.monitor() as monitor:

        def listen() -> None:
            while not ended.is_set():
                said.append(monitor.next_command()["command"].encode("utf-8", "surrogateescape"))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield said
        ended.set()
        client.ping()
        listener.join(WAIT_S)


def test_celery_and_flower_see_ids_and_never_a_word_of_a_job(
    start_worker: Start,
    folders: str,
    ledger: RedisLedger,
    queue: CeleryQueue,
    redis_client: redis.Redis,
    redis_url: str,
) -> None:
    with overheard(redis_url) as said:
        (job_id,) = sent(ledger, queue, "mood", [{"text": SECRET}])
        (waiting,) = redis_client.lrange("mq:mood", 0, -1)
        start_worker("mood", specialists=folders)
        await_state(ledger, job_id, JobState.SUCCEEDED)
        eventually(lambda: told_of(b"task-succeeded", said))
    body = base64.b64decode(json.loads(waiting)["body"])
    assert json.loads(body)[0] == [job_id]
    told = [_plain(event) for event in events(said)]
    for kind in (b"task-received", b"task-started", b"task-succeeded", b"worker-online"):
        assert any(kind in event for event in told), kind
    assert isinstance(waiting, str)
    for seen in (waiting.encode(), body, *told):
        assert b"Hintertupfing" not in seen


def test_a_job_that_failed_is_failed_to_flower_too_and_its_words_stay_unsaid(
    start_worker: Start, folders: str, ledger: RedisLedger, queue: CeleryQueue, redis_url: str
) -> None:
    with overheard(redis_url) as said:
        (job_id,) = sent(ledger, queue, "mood", [{"text": SECRET + " in other words"}])
        worker = start_worker("mood", specialists=folders)
        await_state(ledger, job_id, JobState.FAILED)
        failed = eventually(lambda: told_of(b"task-failed", said))
    assert b"JobFailed('engine')" in failed[0]
    assert b"Hintertupfing" not in failed[0]
    worker.terminate()
    assert "JobFailed" not in worker.communicate(timeout=WAIT_S)[1], (
        "it is no fault of the worker's, and logged as a job"
    )


def events(said: list[bytes]) -> list[bytes]:
    return [line for line in list(said) if line.startswith(b"PUBLISH") and b"celeryev" in line]


def told_of(kind: bytes, said: list[bytes]) -> list[bytes]:
    return [event for event in map(_plain, events(said)) if kind in event]


def _plain(event: bytes) -> bytes:
    """The event, and its base64 body readable."""
    message = json.loads(event.split(b" ", 2)[2])
    return event + base64.b64decode(message["body"])


def test_flower_is_told_one_line_a_type_and_a_readable_worker(
    start_worker: Start, folders: str, ledger: RedisLedger, queue: CeleryQueue, settings: Settings
) -> None:
    start_worker("mood", "nap", specialists=folders)
    (job_id,) = sent(ledger, queue, "mood", [{"text": SECRET}])
    await_state(ledger, job_id, JobState.SUCCEEDED)
    with create_app(settings) as app:
        ((worker, tasks),) = app.control.inspect(timeout=2).registered().items()
    assert worker == next(iter(ledger.workers()))
    told = {task for task in tasks if not task.startswith("celery.")}
    about = ledger.workers()[worker]
    assert told == {"mood", "nap", *(strayed_line(*each) for each in about["schemas"].items())}


def test_a_worker_goes_on_after_a_restart_of_redis(start_worker: Start, folders: str, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis") as server:
        settings = Settings(redis_url=server.url)
        ledger, queue = RedisLedger(client_of(server.url), settings.prefix), CeleryQueue(create_app(settings))
        worker = start_worker("mood", specialists=folders, redis_url=server.url)
        (before,) = sent(ledger, queue, "mood", [{"text": SECRET}], run_id="r1")
        await_state(ledger, before, JobState.SUCCEEDED)
        server.stop()
        time.sleep(2)
        server.start()
        (after,) = sent(ledger, queue, "mood", [{"text": SECRET}], run_id="r2")
        with sweeping(ledger, queue, silent_ms=3_000):  # a message sent to a cut link may vanish
            (status,) = await_ends(ledger, [after])
        assert status.state is JobState.SUCCEEDED
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(WAIT_S) == 0
        queue.close()
        ledger.close()


def test_sending_says_so_when_the_broker_is_away() -> None:
    queue = CeleryQueue(create_app(Settings(redis_url="redis://127.0.0.1:1/0")))
    began = time.monotonic()
    with pytest.raises(QueueUnavailable, match=r"cannot send job 'r1\.s1\.0' to queue 'mood'"):
        queue.send("mood", "r1.s1.0")
    assert time.monotonic() - began < 5  # of three tries; it was 18 s when each of them tried for itself
    queue.close()


def test_a_worker_does_not_start_without_a_ledger() -> None:
    ledger = RedisLedger(client_of("redis://127.0.0.1:1/0"), "mh")
    with pytest.raises(StartError, match="is MANYHANDS_REDIS_URL right"):
        await_ledger(ledger, wait_s=0)


@pytest.mark.parametrize(
    ("names", "settings", "reason"),
    [
        (["mod"], {}, "unknown job type 'mod'; known: "),
        (["mood"], {"slots": "none"}, "MANYHANDS_SLOTS: "),
        (["mood"], {"specialists": '["/nowhere"]'}, "/nowhere: no specialist.toml"),
    ],
)
def test_a_worker_that_cannot_start_says_why_in_one_line(
    start_worker: Start, folders: str, names: list[str], settings: dict[str, str], reason: str
) -> None:
    worker: subprocess.Popen[str] = start_worker(*names, **{"specialists": folders} | settings)
    _, said = worker.communicate(timeout=WAIT_S)
    assert worker.returncode == 2
    (line,) = said.splitlines()
    assert line.startswith("error: ")
    assert reason in line


def test_a_worker_whose_first_beat_is_not_taken_now_says_why_and_may_be_started_anew(
    start_worker: Start, folders: str, tmp_path: Path
) -> None:
    with RedisServer(tmp_path / "redis") as server:
        with client_of(server.url) as client:
            client.config_set("maxmemory", 1)  # it answers a ping, and stores nothing
        worker = start_worker("mood", specialists=folders, redis_url=server.url)
        _, said = worker.communicate(timeout=WAIT_S)
    assert worker.returncode == 1
    assert "CRITICAL workers.app: Redis cannot serve now: " in said
    assert "Traceback" not in said


def test_the_command_line_knows_the_worker() -> None:
    shown = CliRunner().invoke(infra.cli.build(), ["worker", "--help"])
    assert "Serve specialists" in shown.output
