"""The parts of the ray engine that need no Ray: an actor's answers, what a node inherits, what a manifest asks."""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import Future

import psutil
import pytest

from specialists.manifest import RayHosting
from workers.engines import Completion, PromptTooLong, Request
from workers.engines.ray.actor import Fault, Health, Host
from workers.engines.ray.environment import secrets_hidden, without_secrets
from workers.engines.ray.node import start
from workers.engines.scripted import ScriptedEngine

SECRET = "the caller's own words"

SECRETS = {
    "MANYHANDS_REDIS_PASSWORD": "k",
    "MANYHANDS_REDIS_PASSWORD_FILE": "/run/k",
    "MANYHANDS_FLOWER_AUTH": "user:k",
    "MANYHANDS_REDIS_URL": "redis://user:k@host",
}
PUBLIC = {"PATH": "/bin", "RAY_AUTH_TOKEN_PATH": "/run/t", "MANYHANDS_HOME": "/srv"}


class Raising(ScriptedEngine):
    def submit(self, request: Request) -> Future[Completion]:
        raise UnicodeEncodeError("utf-8", request.prompt, 0, 1, "surrogates not allowed")


def test_what_an_engine_raises_in_an_actor_comes_back_as_a_value_without_the_prompt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ask() -> object:
        host = Host(lambda: Raising({}))
        await host.open()
        return await host.complete(Request("1", "mood", SECRET), None)

    with caplog.at_level(logging.ERROR):
        fault = asyncio.run(ask())

    assert isinstance(fault, Fault)
    assert not fault.retryable  # as in the worker's own process
    assert "UnicodeEncodeError" in fault.message
    assert SECRET not in repr(fault) + caplog.text
    assert "test_ray_parts" in caplog.text


def test_a_prompt_that_is_too_long_is_so_in_an_actor_too() -> None:
    too_long = PromptTooLong(900, 640, uncut=False)

    class Refusing(ScriptedEngine):
        def submit(self, request: Request) -> Future[Completion]:
            raise too_long

    async def ask() -> object:
        host = Host(lambda: Refusing({}))
        await host.open()
        return await host.complete(Request("1", "mood", SECRET, cut=(0, 3)), None)

    fault = asyncio.run(ask())

    assert isinstance(fault, Fault)
    assert isinstance(error := fault.error(), PromptTooLong)
    assert (str(error), error.retryable) == (str(too_long), False)


def test_an_actor_says_what_its_engine_is_built_of() -> None:
    class Computing(ScriptedEngine):
        precision = "int8"
        build = "abacus 1.2"

    found = asyncio.run(Host(lambda: Computing({})).open())

    assert isinstance(found, Health)
    assert (found.build, found.precision) == ("abacus 1.2", "int8")


def test_a_node_inherits_no_password() -> None:
    assert without_secrets(SECRETS | PUBLIC) == PUBLIC


def test_an_address_without_a_password_is_no_secret() -> None:
    address = {"MANYHANDS_REDIS_URL": "redis://user@host:6379/0"}

    assert without_secrets(address) == address


def test_passwords_are_hidden_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (SECRETS | PUBLIC).items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)

    with secrets_hidden():
        assert not SECRETS.keys() & os.environ.keys()
        assert os.environ["MANYHANDS_HOME"] == "/srv"

    assert dict(os.environ) == before


class Unreachable:
    def get_all_node_info(self, timeout: float) -> object:
        raise ConnectionError


def test_a_node_that_cannot_be_looked_at_is_not_left_behind() -> None:
    with pytest.raises(ConnectionError):
        start("127.0.0.1:1", Unreachable())

    assert not psutil.Process().children()


@pytest.mark.parametrize("gpus", [0, 0.5, 1, 2])
def test_a_share_of_a_gpu_and_whole_gpus_are_granted(gpus: float) -> None:
    assert RayHosting(gpus=gpus).gpus == gpus


def test_more_than_one_gpu_must_be_whole() -> None:
    with pytest.raises(ValueError, match=r"gpus is 1\.5; above one, Ray gives whole GPUs only"):
        RayHosting(gpus=1.5)
