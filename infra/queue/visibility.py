"""Keeps the messages that this process works on from being delivered again. Knows kombu's index; knows no job.

Kombu stamps a message once, when it is delivered, and delivers it again when the stamp is older than the visibility
time-out, though its worker is alive and at work (celery#5935). Here the stamp is renewed while the work goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from celery import Celery

log = logging.getLogger(__name__)


class HeldMessages:
    """A context whose thread renews the messages that `hold` holds, four times in each visibility time-out."""

    def __init__(self, app: Celery) -> None:
        self._connection = app.connection_for_write()
        self._every_s = app.conf.broker_transport_options["visibility_timeout"] / 4
        self._tags: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hold-messages", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._connection.release()

    @contextmanager
    def hold(self, delivery_tag: str) -> Iterator[None]:
        with self._lock:
            self._tags.add(delivery_tag)
        try:
            yield
        finally:
            with self._lock:
                self._tags.discard(delivery_tag)

    def _run(self) -> None:
        # A server that refuses for now (full, or without its disk) raises a channel error: no reason to stop either.
        cannot_now = (*self._connection.connection_errors, *self._connection.channel_errors)
        while not self._ended.wait(self._every_s):
            try:
                self._renew()
            except cannot_now as error:
                log.warning("cannot renew the messages that are worked on: %s", error)

    def _renew(self) -> None:
        with self._lock:
            stamps = dict.fromkeys(self._tags, time.time())
        if stamps:
            channel = self._connection.default_channel
            # xx: a message acknowledged in this very moment must not come back into the index.
            channel.client.zadd(channel.unacked_index_key, stamps, xx=True)
