"""What a worker checks before it serves, and the one line that it ends with where something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from infra.ledger.redis.client import client_of
from infra.process.redis_server import RedisServer, free_port
from infra.queue.celery_app import create_app
from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.catalog import SHIPPED
from workers.upkeep.ending import BROKEN

WAIT_S = 90
KEY = "s3cret: /of?the@house"
ECHO = "def echo(input):\n    return input\n"
ENGINE = 'engine = "function"\nfunction = "echo.py:echo"\n'


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis with a password, a user `reader` who may read alone, and a `bookkeeper` who has the ledger alone."""
    with RedisServer(tmp_path_factory.mktemp("guarded")) as server:
        with client_of(server.url) as client:
            client.execute_command("ACL SETUSER", "reader", "on", f">{KEY}", "~*", "&*", "-@all", "+@read", "+ping")
            client.execute_command("ACL SETUSER", "bookkeeper", "on", f">{KEY}", "~mh", "~mh:*", "+@all")
            client.config_set("requirepass", KEY)
        yield server


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    return file


@pytest.fixture
def echo(write_specialist: Callable[..., Path]) -> str:
    text: dict[str, Any] = {"text": {"type": "string", "maxLength": 9}}
    return json.dumps([str(write_specialist("echo", ENGINE, text, text, {"echo.py": ECHO}))])


def ended(*options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`manyhands worker OPTIONS` to its end, with no settings but these."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MANYHANDS_")}
    environment = bare | {f"MANYHANDS_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-c", "from infra.cli import main; main()", "worker", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=WAIT_S)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert KEY not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    return last


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["--broker", "http://127.0.0.1"], "--broker: must be redis://"),
        (["--broker", "redis://127.0.0.1:port"], "--broker: "),
        (["--broker", "redis://127.0.0.1:6379/none"], "--broker: what follows the host"),
        (["--broker", "127.0.0.1"], "--broker: must be redis://"),
        (["--broker", "redis://me:word@127.0.0.1"], "--broker holds a password"),
        (["--key-file", "/nowhere/key"], "the key file /nowhere/key cannot be read: No such file"),
        (["--key-file", "/dev/null"], "the key file /dev/null is empty"),
        (["--slots", "0"], "--slots: Input should be greater than 0"),
        (["--engine", "steam"], "--engine: Input should be 'ray'"),
    ],
)
def test_an_option_that_cannot_be_is_named(given: list[str], reason: str) -> None:
    done = ended("count", *given)
    assert reason in refusal(done)
    assert len(done.stderr.splitlines()) == 1
    assert "me:word" not in done.stderr


def test_a_setting_that_is_no_json_is_named() -> None:
    line = refusal(ended("count", specialists="/srv/mood"))
    assert "MANYHANDS_SPECIALISTS: must be JSON: a list of folders" in line


@pytest.mark.parametrize("module", ["coordinator.app", "coordinator.api.app"])
def test_the_other_processes_name_it_as_well(module: str) -> None:
    environment = os.environ | {"MANYHANDS_SPECIALISTS": "/srv/mood"}
    done = subprocess.run([sys.executable, "-m", module], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "MANYHANDS_SPECIALISTS: must be JSON: a list of folders" in done.stderr


def test_a_broker_that_wants_a_key_says_so(guarded: RedisServer) -> None:
    line = refusal(ended("count", "--broker", guarded.url))
    assert "Redis does not take this user and key: " in line
    assert "check the key (--key-file)" in line


def test_a_wrong_key_is_refused_at_once(guarded: RedisServer, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another key")
    done = ended("count", "--broker", guarded.url, "--key-file", str(wrong))
    assert "Redis does not take this user and key: " in refusal(done)
    assert "another key" not in done.stderr
    assert "waiting for the ledger" not in done.stderr


def test_a_user_without_rights_is_refused_before_anything_is_loaded(guarded: RedisServer, key_file: Path) -> None:
    address = guarded.url.replace("redis://", "redis://reader@")
    done = ended("count", "--broker", address, "--key-file", str(key_file))
    assert "Redis grants this user too few rights: " in refusal(done)


def test_a_user_without_rights_to_the_queue_is_refused_as_well(guarded: RedisServer, key_file: Path) -> None:
    address = guarded.url.replace("redis://", "redis://bookkeeper@")
    line = refusal(ended("count", "--broker", address, "--key-file", str(key_file)))
    assert "cannot look at queue 'count': " in line
    assert "may the user in the broker's address use the queues?" in line


#: A worker process whose ledger answers all but one of its calls at start.
BLIP = """
import sys
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.memory.ledger import MemoryLedger
from workers import app
class Blip(MemoryLedger):
    @classmethod
    def of(cls, settings):
        return cls()
    def {call}(self, *_):
        raise LedgerUnavailable("Redis does not answer: a blip")
app.RedisLedger = Blip
sys.exit(app.main(["count"]))
"""


def starting(code: str, redis_url: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MANYHANDS_REDIS_URL": redis_url}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=WAIT_S)


@pytest.mark.parametrize("call", ["leave", "beat"])
def test_a_ledger_that_is_away_for_a_moment_asks_for_a_new_start(redis_url: str, call: str) -> None:
    done = starting(BLIP.format(call=call), redis_url)
    assert (done.returncode, "Traceback" in done.stderr) == (BROKEN, False)
    assert "Redis does not answer: a blip" in done.stderr


def test_a_queue_that_is_away_for_a_moment_asks_for_a_new_start() -> None:
    done = starting(BLIP.format(call="unused"), f"redis://127.0.0.1:{free_port()}")
    assert (done.returncode, "Traceback" in done.stderr) == (BROKEN, False)
    assert "cannot look at queue 'count': " in done.stderr


def coordinating(redis_url: str, key: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MANYHANDS_REDIS_URL": redis_url, "MANYHANDS_REDIS_PASSWORD": key}
    command = [sys.executable, "-m", "coordinator.app"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=WAIT_S)


@pytest.mark.parametrize(
    ("user", "key", "reason"),
    [("", "another key", "Redis does not take this user and key: "), ("reader@", KEY, "Redis grants this user too ")],
)
def test_a_coordinator_that_redis_refuses_says_why_and_ends(
    guarded: RedisServer, user: str, key: str, reason: str
) -> None:
    line = refusal(coordinating(guarded.url.replace("redis://", f"redis://{user}"), key))
    assert reason in line
    assert "check the key (MANYHANDS_REDIS_PASSWORD_FILE)" in line


def test_the_key_may_come_in_the_environment(guarded: RedisServer, echo: str) -> None:
    """It gets as far as to want a specialist that is not there."""
    line = refusal(ended("nobody", "--broker", guarded.url, specialists=echo, redis_password=KEY))
    assert "unknown job type 'nobody'" in line


def test_over_tls_the_broker_must_show_its_certificate() -> None:
    with create_app(Settings(_env_file=None, redis_url="rediss://queue.example")) as app:
        assert app.connection_for_write().ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


def route_in(folder: Path, **changes: str) -> Path:
    """A copy of the shipped specialist under another name; `changes`: of what its manifest pins."""
    copy = folder / "sorting"
    shutil.copytree(SHIPPED / "route", copy)
    manifest = (copy / "specialist.toml").read_text().replace('name = "route"', 'name = "sorting"')
    for old, new in changes.items():
        manifest = manifest.replace(tomllib.loads(manifest)[old]["sha256"], new)
    (copy / "specialist.toml").write_text(manifest)
    return copy


def test_an_adapter_that_is_not_the_pinned_one_is_not_loaded(tmp_path: Path, redis_url: str) -> None:
    folder = route_in(tmp_path)
    adapter = folder / "adapter.safetensors"
    changed = bytearray(adapter.read_bytes())
    changed[-1] ^= 1
    adapter.write_bytes(changed)
    line = refusal(ended("sorting", "--broker", redis_url, specialists=json.dumps([str(folder)])))
    assert "adapter.safetensors has sha256 " in line
    assert "the manifest pins " in line


def test_a_base_that_is_not_the_pinned_one_is_not_loaded(tmp_path: Path, redis_url: str) -> None:
    folder = route_in(tmp_path, base="0" * 64)
    line = refusal(ended("sorting", "--broker", redis_url, specialists=json.dumps([str(folder)])))
    assert "base model 'smollm2-135m' has sha256 " in line
    assert f"the manifest pins {'0' * 64}" in line


def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(tmp_path: Path, redis_url: str) -> None:
    ensure("smollm2-135m", Settings().weights)
    folder = route_in(tmp_path)
    manifest = folder / "specialist.toml"
    manifest.write_text(manifest.read_text().replace("input_tokens = 640", "input_tokens = 8000"))
    done = ended("sorting", "--broker", redis_url, "--slots", "512", specialists=json.dumps([str(folder)]))
    line = refusal(done)
    assert "keys and values" in line
    assert "in 512 slots" in line
    assert "are available: lower --slots to " in line
    assert "weights: smollm2-135m, sha256 b179c9523d0e as pinned; adapters, checked: sorting " in done.stderr


def test_a_model_that_fits_is_checked_measured_and_registered(
    redis_url: str, redis_client: redis.Redis, start_worker: Callable[..., subprocess.Popen[str]]
) -> None:
    ensure("smollm2-135m", Settings().weights)
    worker = start_worker("route", slots="2")
    assert worker.stderr
    said = []
    for line in worker.stderr:
        said.append(line)
        if "serves route" in line:
            break
    order = ["weights: smollm2-135m", "memory: needs ", "measured ", " serves route"]
    assert [each for line in said for each in order if each in line] == order
