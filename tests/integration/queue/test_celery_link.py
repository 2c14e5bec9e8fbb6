"""Celery's link to a real Redis: what it keeps, what it calls itself, and what it does when its connections are cut."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import pytest
import redis
from celery import Celery

from infra.queue.celery_app import create_app
from infra.queue.celery_link import LastingChannel
from infra.settings import Settings


@pytest.fixture
def app(redis_url: str, redis_client: redis.Redis) -> Celery:
    return create_app(Settings(redis_url=redis_url))


def test_a_channel_keeps_one_client_for_all_its_messages(app: Celery) -> None:
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        assert isinstance(channel, LastingChannel)
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
        assert first.connection_pool is channel.pool
        assert channel.client is not first, "what waits for messages has a connection that it shares with nobody"


def test_a_channel_whose_connections_were_dropped_gets_another_client(app: Celery) -> None:
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        with channel.conn_or_acquire() as before:
            before.ping()
        channel._disconnect_pools()  # as kombu does where a channel is closed or its process forks
        with channel.conn_or_acquire() as after:
            assert after.ping()
        assert after.connection_pool is channel.pool is not before.connection_pool


def test_a_client_connects_again_after_the_server_has_cut_it_off(app: Celery, redis_client: redis.Redis) -> None:
    with app.connection_for_write() as connection, connection.default_channel.conn_or_acquire() as client:
        client.lpush("triage", "a message")
        assert redis_client.client_kill_filter(_type="normal", skipme=True) >= 1
        assert client.llen("triage") == 1
    assert redis_client.llen("mq:triage") == 1, "under the queue's prefix"


def test_a_link_has_the_address_that_it_was_given_and_hides_the_password() -> None:
    app = create_app(Settings(_env_file=None, redis_url="redis://worker:open-sesame@127.0.0.1:6380/3"))
    with app.connection_for_write() as connection, connection.clone() as clone:
        for each in (connection, clone):
            assert each.as_uri() == "redis://worker:**@127.0.0.1:6380/3"
            assert each.info()["transport"] == "redis"


def test_a_link_by_tls_asks_for_a_certificate() -> None:
    app = create_app(Settings(_env_file=None, redis_url="rediss://127.0.0.1:6380/0"))
    with app.connection_for_write() as connection:
        assert connection.info()["transport"] == "rediss"
        assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CELERY_BROKER_URL", "redis://127.0.0.1:1/0"),
        ("CELERY_BROKER_READ_URL", "amqp://127.0.0.1:1"),
        ("CELERY_BROKER_WRITE_URL", "amqp://127.0.0.1:1"),
        ("CELERY_RESULT_BACKEND", "db+sqlite:///elsewhere.db"),
        ("CELERY_CONFIG_MODULE", "elsewhere.settings"),
        ("CELERY_LOADER", "elsewhere.loader:Loader"),
        ("DJANGO_SETTINGS_MODULE", "elsewhere.settings"),
    ],
)
def test_what_the_environment_tells_another_program_with_celery_changes_nothing(
    variable: str, value: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    app = create_app(Settings(redis_url=redis_url))
    assert type(app.backend).__name__ == "DisabledBackend"
    for connection in (app.connection_for_read(), app.connection_for_write(), app.connection()):
        with connection:
            assert connection.info()["port"] == urlsplit(redis_url).port
            connection.default_channel.client.ping()
