"""The private Redis: it starts, keeps what it was told, and ends with whoever started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from redis._parsers.base import BaseParser

from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.redis.client import OUTAGES, answered, client_of, connect
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer, free_port
from infra.records import RunRecord
from infra.settings import Settings
from tests.support.eventually import eventually

OWNER = """
import sys, time
from pathlib import Path
from infra.process.redis_server import RedisServer
server = RedisServer(Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
time.sleep(600)
"""


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def await_silence(port: int) -> None:
    eventually(lambda: not listens(port), f"port {port} is silent", within_s=30)


def test_it_is_durable_and_never_evicts(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        settings = client.config_get("*")

    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["bind"] == "127.0.0.1"


def test_a_server_that_stopped_has_its_keys_back_on_the_next_start(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        client.set("kept", "yes")
        assert server.pid
    assert server.pid is None
    assert not listens(server.port)

    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        assert client.get("kept") == "yes"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_it_does_not_outlive_an_owner_that_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        port = int(owner.stdout.readline())
        assert listens(port)
        owner.kill()

    await_silence(port)


def test_a_ctrl_c_at_the_terminal_is_for_its_owner_alone(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        assert server.pid
        assert os.getpgid(server.pid) == server.pid != os.getpgid(0)


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = RedisServer(tmp_path, taken.getsockname()[1])
        with pytest.raises(RuntimeError, match=r"(?s)did not start on port .*redis\.log.*[Aa]ddress already in use"):
            server.start()
    assert server.pid is None


def test_another_server_on_its_port_is_not_mistaken_for_it(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "first") as first:
        second = RedisServer(tmp_path / "second", first.port)
        with pytest.raises(RuntimeError, match="did not start"):
            second.start()
        with client_of(first.url) as client:
            assert client.ping()


def test_a_client_reads_its_password_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    with RedisServer(tmp_path / "data") as server, client_of(server.url) as admin:
        admin.config_set("requirepass", "open sesame")

        with connect(Settings(redis_url=server.url, redis_password_file=secret)) as client:
            assert client.ping()
        with client_of(server.url) as stranger, pytest.raises(LedgerUnavailable, match="authenticate"):
            RedisLedger(stranger, "test").ping()


def test_a_ledger_whose_redis_is_away_says_so(tmp_path: Path) -> None:
    with client_of(f"redis://127.0.0.1:{free_port()}/0") as client:
        ledger = RedisLedger(client, "test")
        with pytest.raises(LedgerUnavailable, match="Redis does not answer"):
            ledger.ping()
        with pytest.raises(LedgerUnavailable):
            ledger.claim("r1.s1.0", "w1", 1000)


def test_a_redis_that_is_full_refuses_instead_of_forgetting(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        ledger = RedisLedger(client, "test")
        ledger.beat("w1", {"serves": []}, 60_000)
        client.config_set("maxmemory", "1mb")
        with pytest.raises(LedgerUnavailable, match="maxmemory"):
            ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [], [])
        assert ledger.workers() == {"w1": {"serves": []}}


def test_a_redis_that_became_a_replica_is_an_outage(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        client.replicaof("127.0.0.1", free_port())
        with pytest.raises(LedgerUnavailable, match="cannot serve now"):
            RedisLedger(client, "test").beat("w1", {}, 60_000)


@pytest.mark.parametrize("code", sorted(OUTAGES))
def test_an_error_that_passes_is_an_outage(code: str) -> None:
    with pytest.raises(LedgerUnavailable):
        answered(lambda: raised(f"{code} not now"))()


def test_an_error_that_passes_is_an_outage_for_one_command_of_several_too(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        client.config_set("save", "3600 1000000")
        (tmp_path / "dump.rdb").mkdir()  # where its snapshot is to be: it fails to write one, and refuses all writes
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] != "ok")
        with pytest.raises(LedgerUnavailable, match="MISCONF"):
            RedisLedger(client, "test").acknowledge(["1-1"])
        client.config_set("save", "")  # it would else try again before it ends


def test_an_error_that_stays_is_a_fault() -> None:
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        answered(lambda: raised("WRONGTYPE of value"))()


def raised(answer: str) -> None:
    """As redis-py reads the error `answer`."""
    raise BaseParser.parse_error(answer)  # type: ignore[no-untyped-call]  # redis-py ships it untyped


def test_three_hundred_threads_of_one_client_may_wait_at_once(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, client_of(server.url) as client:
        ledger = RedisLedger(client, "test")
        with ThreadPoolExecutor(300) as threads:
            waiting = [threads.submit(ledger.events, "r1", wait_ms=500) for _ in range(300)]
            assert [each.result() for each in waiting] == [[]] * 300


def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    server.stop()
    assert server.pid is None
