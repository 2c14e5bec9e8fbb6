"""The part of Celery's worker that takes messages: only while there is room for them, with its events sent in batches.

It knows no job.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from celery import Celery, bootsteps
from celery.worker.consumer import Consumer
from celery.worker.consumer.tasks import Tasks

from infra.queue.in_hand import InHand

#: Flower hears of a job at most this much later. By default Celery sends its events on each turn of its loop, which is
#: about once a job. That took 23 % of the time in which a busy worker held Python's lock; batches take 5 % (measured as
#: in `celery_link`). If the link breaks, only Flower loses something: the batches that are not sent yet.
FLUSH_S = 0.2


class BatchingConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """Celery's worker with batches of events. A full batch is sent at once, by the dispatcher itself."""

    def connection_for_read(self, heartbeat: float | None = None) -> Any:
        """A connection that goes on trying, where a sender's is told at once that there is no Redis.

        One that gives up at once while it closes a broken link, with messages in hand, ends the worker by an error of
        kombu's own instead of connecting again (kombu 5.7, 2026-12).
        """
        connection = self.app.connection_for_read(heartbeat=heartbeat)
        options = connection.transport_options
        connection.transport_options = {name: value for name, value in options.items() if name != "max_retries"}
        return self.ensure_connected(connection)

    def register_with_event_loop(self, hub: Any) -> None:
        super().register_with_event_loop(hub)
        hub.call_repeatedly(FLUSH_S, self._flush_events)

    def on_send_event_buffered(self) -> None:
        """Does nothing, because the timer sends the events."""

    def stop(self) -> None:
        super().stop()
        # The hub runs this when it closes, after the running jobs have ended.
        self.hub.call_soon(self._flush_events)


class Bell:
    """A context: wakes Celery's loop, which sleeps for up to FLUSH_S, once there is room for a message again."""

    def __enter__(self) -> Bell:
        self.loop_end, self._end = os.pipe2(os.O_NONBLOCK)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.loop_end)
        os.close(self._end)

    def ring(self) -> None:
        with suppress(BlockingIOError):  # so many rings wait already
            os.write(self._end, b"!")

    def hear(self) -> None:
        os.read(self.loop_end, 512)


def take_while_room(app: Celery, in_hand: InHand, bell: Bell) -> None:
    """Have the app's workers take a message only while there is room for one."""

    class Room(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = (Tasks,)

        def start(self, c: Any) -> None:
            """Celery calls it with each new connection."""
            qos = c.task_consumer.channel.qos
            has_slot = qos.can_consume
            qos.can_consume = lambda: in_hand.has_room() and has_slot()
            c.hub.add_reader(bell.loop_end, bell.hear)

    app.steps["consumer"] = {Room}
