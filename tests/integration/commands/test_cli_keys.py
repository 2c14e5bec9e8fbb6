"""The commands about keys and quotas, on a real Redis, and the client and the commands with a key."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import typer
from typer.testing import CliRunner

from coordinator.api.build import create_api
from coordinator.client import ApiError, Client
from coordinator.commands.cli import register
from infra.access import Quota
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import free_port
from infra.settings import Settings
from specialists.catalog import Catalog
from tests.support.served_api import served_api

Run = Callable[..., Any]


@pytest.fixture
def run(redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MANYHANDS_REDIS_URL", redis_url)
    app = typer.Typer()
    register(app)
    return lambda *words: CliRunner().invoke(app, words)


@pytest.fixture
def url(ledger: RedisLedger, catalog: Catalog, redis_url: str) -> Iterator[str]:
    """Of an API that asks for keys."""
    settings = Settings(_env_file=None, redis_url=redis_url, keys=True)
    with served_api(create_api(ledger, catalog, settings)) as address:
        yield address


def created(run: Run, *options: str) -> str:
    result = run("keys", "create", "--tenant", "acme", "--scope", "submit,read", *options)
    assert result.exit_code == 0, result.output
    return str(result.stdout).strip()


def test_a_secret_is_printed_alone_and_once_and_is_not_in_redis(run: Run, redis_client: redis.Redis) -> None:
    secret = created(run, "--expires", "30d", "--name", "desk")
    assert secret.startswith("mh_")
    assert len(secret.split()) == 1
    listed = run("keys", "list").stdout
    assert secret.split("_")[1] in listed
    random = secret.split("_", 2)[2]
    assert random not in listed
    kept = [redis_client.hgetall("mh:keys"), redis_client.zrange("mh:key_ends", 0, -1)]
    assert random not in str(kept)


def test_a_key_opens_the_api_until_it_is_revoked_or_rotated(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordinator.keys.check.KEPT_S", 0.0)
    first = created(run)
    with Client(url, api_key=first) as client:
        assert client.job_types()
        rotated = run("keys", "rotate", first.split("_")[1], "--overlap", "1h")
        second = rotated.stdout.strip()
        assert client.job_types()
        assert run("keys", "revoke", first.split("_")[1]).exit_code == 0
        with pytest.raises(ApiError, match="The key is not valid") as refused:
            client.job_types()
        assert first not in str(refused.value)
    with Client(url, api_key=second) as client:
        assert client.recent() == []
    assert first.split("_")[1] not in run("keys", "list").stdout
    assert first.split("_")[1] in run("keys", "list", "--ended").stdout


def test_commands_send_the_key_of_the_environment(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = run("status", "--url", url)
    assert (without.exit_code, "A key is needed" in without.stderr) == (1, True)
    secret = created(run)
    monkeypatch.setenv("MANYHANDS_API_KEY", secret)
    told = run("status", "--url", url)
    assert told.exit_code == 0
    refused = run("pause", "triage", "--url", url)
    assert (refused.exit_code, "has not the scope 'admin'" in refused.stderr) == (1, True)
    assert secret not in told.output + refused.output


@pytest.mark.parametrize("word", ["two words", "a\nb", "ключ", ""])
def test_what_can_be_no_key_is_refused_without_being_quoted(word: str) -> None:
    with pytest.raises(ApiError, match="the API key is no key") as refused:
        Client("http://127.0.0.1:1", api_key=word)
    assert not word or word not in str(refused.value)


def test_a_quota_is_set_in_parts_and_lifted(run: Run, ledger: RedisLedger) -> None:
    assert run("keys", "quota", "acme", "--jobs-a-minute", "60", "--running", "5").exit_code == 0
    told = run("keys", "quota", "acme", "--tokens-a-day", "1000", "--running", "none").stdout
    assert ledger.quota("acme") == Quota(jobs_a_minute=60, tokens_a_day=1000)
    assert "jobs a minute: 60" in told
    assert "running: no bound" in told
    assert "acme" in run("keys", "quotas").stdout


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (
            ("create", "--tenant", "acme", "--scope", "write"),
            "there is no scope 'write'; scopes are submit, read, admin",
        ),
        (("create", "--tenant", "two words", "--scope", "read"), "no tenant's name"),
        (("create", "--tenant", "acme", "--scope", "read", "--expires", "soon"), "--expires: 'soon' is no duration"),
        (("revoke", "k1"), "there is no key 'k1'"),
        (("rotate", "k1"), "there is no key 'k1'"),
        (("quota", "acme", "--jobs-a-minute", "0"), "--jobs-a-minute: must be a whole number above 0, or none"),
        (("quota", "two words", "--running", "1"), "no tenant's name"),
    ],
)
def test_what_cannot_be_is_a_line_that_says_why(run: Run, words: tuple[str, ...], fault: str) -> None:
    result = run("keys", *words)
    assert (result.exit_code, fault in result.stderr) == (1, True), result.output


def test_without_redis_a_line_says_where_it_was_looked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANYHANDS_REDIS_URL", f"redis://127.0.0.1:{free_port()}")
    result = run("keys", "list")
    assert (result.exit_code, "MANYHANDS_REDIS_URL" in result.stderr) == (1, True)


def test_the_api_does_not_start_elsewhere_without_keys(redis_url: str) -> None:
    environment = os.environ | {"MANYHANDS_REDIS_URL": redis_url, "MANYHANDS_API_HOST": "0.0.0.0"}
    done = subprocess.run(
        [sys.executable, "-m", "coordinator.api.app"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "MANYHANDS_OPEN=true" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr
