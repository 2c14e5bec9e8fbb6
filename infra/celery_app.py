"""The Celery app: the options that both ends of the queue must agree on. Knows no job type and no handler."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from celery import Celery

from infra.settings import Settings


def create_app(settings: Settings) -> Celery:
    app = Celery("manyhands", broker=broker_url(settings), set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A handler says itself what is to be delivered again. An exception that it did not foresee is acknowledged:
        # delivered again at once it would loop, where the ledger's sweep sends it again slowly, and counts.
        task_acks_on_failure_or_timeout=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_send_task_events=True,
        task_send_sent_event=True,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        visibility_timeout=settings.visibility_timeout_s,
        broker_transport_options={
            "visibility_timeout": settings.visibility_timeout_s,
            # By default a message whose worker was killed waits a minute and more past the time-out.
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            # A worker cut off while it holds the lock of that sweep would else stop it for five minutes.
            "unacked_mutex_expire": 10,
            "health_check_interval": 5,
            "socket_connect_timeout": 3,
            "socket_timeout": 10,
            "socket_keepalive": True,
        },
    )
    return app


def broker_url(settings: Settings) -> str:
    """`redis_url`, with the password from its file if there is one."""
    if settings.redis_password_file is None:
        return settings.redis_url
    password = quote(settings.redis_password_file.read_text("utf-8").strip(), safe="")
    parts = urlsplit(settings.redis_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{password}@{host}"))
