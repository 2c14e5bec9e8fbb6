"""Celery's link to Redis, with one client a channel. Knows no queue of ours and no job.

kombu 5.7 makes a new client of redis-py for each message that it takes, acknowledges or publishes. For each client
redis-py 8.1 fills a table of what commands answer. That takes 50 microseconds, and it was 19 % of the time in which a
busy worker held Python's lock (py-spy, jobs that do nothing, 2 cores of 2026-11).
"""

from __future__ import annotations

from typing import Any

from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport import redis


class LastingChannel(redis.Channel):  # type: ignore[misc] # kombu has no types
    _lasting: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Any number of threads may share a client: it is only its pool, which a channel replaces after a cut."""
        if asynchronous:
            return super()._create_client(asynchronous=True)
        client, pool = self._lasting, self.pool
        if client is None or client.connection_pool is not pool:
            client = self._lasting = super()._create_client()
        return client


class LastingTransport(redis.Transport):  # type: ignore[misc]
    Channel = LastingChannel


class LastingConnection(Connection):  # type: ignore[misc]
    """Keeps the address that it was given. The setting `broker_transport` would put a class's name into each log."""

    def get_transport_cls(self) -> type[LastingTransport]:
        return LastingTransport


class LastingAmqp(AMQP):  # type: ignore[misc]
    Connection = LastingConnection
