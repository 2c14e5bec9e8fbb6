"""The part of Celery's worker that takes messages, with its events sent in batches. Knows no job."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer

#: Flower hears of a job at most this much later. By default Celery sends its events on each turn of its loop, which is
#: about once a job. That took 23 % of the time in which a busy worker held Python's lock; batches take 5 % (measured as
#: in `celery_link`). If the link breaks, only Flower loses something: the batches that are not sent yet.
FLUSH_S = 0.2


class BatchingConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """Celery's worker with batches of events. A full batch is sent at once, by the dispatcher itself."""

    def register_with_event_loop(self, hub: Any) -> None:
        super().register_with_event_loop(hub)
        hub.call_repeatedly(FLUSH_S, self._flush_events)

    def on_send_event_buffered(self) -> None:
        """Does nothing, because the timer sends the events."""

    def stop(self) -> None:
        super().stop()
        # The hub runs this when it closes, after the running jobs have ended.
        self.hub.call_soon(self._flush_events)
