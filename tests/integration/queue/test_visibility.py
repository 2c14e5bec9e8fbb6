"""Messages held on a real Redis that refuses a while: a type that does not fit stands for a full or read-only one."""

from __future__ import annotations

import time

import pytest
import redis

from infra.queue.celery_app import create_app
from infra.queue.visibility import HeldMessages
from infra.settings import Settings

WAIT_S = 20
INDEX = "mq:unacked_index"


def test_a_message_is_held_again_after_the_server_refused(
    redis_url: str, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.set(INDEX, "not a sorted set")
    settings = Settings(redis_url=redis_url, visibility_timeout_s=5)
    with create_app(settings) as app, HeldMessages(app) as held, held.hold("tag-1"):
        until = time.monotonic() + WAIT_S
        while "cannot renew the messages" not in caplog.text:
            assert time.monotonic() < until
            time.sleep(0.05)
        redis_client.delete(INDEX)
        redis_client.zadd(INDEX, {"tag-1": 1.0})
        while redis_client.zscore(INDEX, "tag-1") == 1.0:
            assert time.monotonic() < until
            time.sleep(0.05)
