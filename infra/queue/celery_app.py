"""The Celery app: the options that both ends of the queue must agree on. Knows no job type and no handler."""

from __future__ import annotations

import ssl

from celery import Celery

from infra.ledger.redis.client import broker_url
from infra.queue.celery_environment import OwnCelery, OwnLoader
from infra.queue.celery_link import LastingAmqp
from infra.settings import Settings


def create_app(settings: Settings) -> Celery:
    app = OwnCelery(
        "manyhands", broker=broker_url(settings), amqp=LastingAmqp, loader=OwnLoader, fixups=[], set_as_current=False
    )
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A handler itself says what is to be delivered again. After an exception that it did not foresee, the message
        # is acknowledged: redelivered at once it would loop, while the ledger's sweep sends it again slowly and counts.
        task_acks_on_failure_or_timeout=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_send_task_events=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A server that refuses for now (read-only in a fail-over, or full) is tried again; otherwise the worker ends.
        broker_channel_error_retry=True,
        visibility_timeout=settings.visibility_timeout_s,
        # Without this kombu would talk TLS to anybody, because by default it checks no certificate.
        broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED} if settings.redis_url.startswith("rediss") else None,
        broker_transport_options={
            "global_keyprefix": key_prefix(settings),
            "visibility_timeout": settings.visibility_timeout_s,
            # By default a message of a killed worker waits for more than a minute after the time-out.
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            # Without this, a worker that is cut off while it holds the lock of that sweep stops it for five minutes.
            "unacked_mutex_expire": 10,
            # A send that meets no Redis is told so at once, and tried again by whoever sends. By default kombu tries
            # for 6 s at each of our three tries, and the sender heard of it after 18 s.
            "max_retries": 0,
            "health_check_interval": 5,
            "socket_connect_timeout": 3,
            # This is five times as long as kombu lets a read wait. A fail-over may leave links that are dead without
            # saying so. kombu finds out after several such waits in a row: with 10 s a worker heard nothing for 34 s,
            # with 5 s for 20 s.
            "socket_timeout": 5,
            "socket_keepalive": True,
        },
    )
    return app


def key_prefix(settings: Settings) -> str:
    """The start of all of Celery's keys and channels, so that a user of Redis may have the queue and not the ledger."""
    return f"{settings.queue_prefix}:"
