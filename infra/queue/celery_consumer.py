"""The part of Celery's worker that takes messages, with its events sent in batches. Knows no job."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer

#: Flower hears of a job so much later at most. Celery sends what there is on each turn of its loop, about once a job:
#: 23 % of the time in which a busy worker held Python's lock, and 5 % in batches (measured as in `celery_link`).
#: Batches that are not sent yet when the link breaks are lost to Flower, and to nobody else.
FLUSH_S = 0.2


class BatchingConsumer(Consumer):  # type: ignore[misc] # Celery has no types
    """A batch that is full is sent at once, by the dispatcher itself."""

    def register_with_event_loop(self, hub: Any) -> None:
        super().register_with_event_loop(hub)
        hub.call_repeatedly(FLUSH_S, self._flush_events)

    def on_send_event_buffered(self) -> None:
        """The timer sees to it."""

    def stop(self) -> None:
        super().stop()
        # The hub runs this as it closes, when what ran has ended.
        self.hub.call_soon(self._flush_events)
