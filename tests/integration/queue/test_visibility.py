"""Messages held on a real Redis that refuses a while: a type that does not fit stands for a full or read-only one."""

from __future__ import annotations

import pytest
import redis

from infra.queue.celery_app import create_app
from infra.queue.visibility import HeldMessages
from infra.settings import Settings
from tests.support.eventually import eventually

INDEX = "mq:unacked_index"


def test_a_message_is_held_again_after_the_server_refused(
    redis_url: str, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.set(INDEX, "not a sorted set")
    settings = Settings(redis_url=redis_url, visibility_timeout_s=5)
    with create_app(settings) as app, HeldMessages(app) as held, held.hold("tag-1"):
        eventually(lambda: "cannot renew the messages" in caplog.text)
        redis_client.delete(INDEX)
        redis_client.zadd(INDEX, {"tag-1": 1.0})
        eventually(lambda: redis_client.zscore(INDEX, "tag-1") != 1.0)
