"""The queue: ids out, handlers in. Knows nothing of what a job says.

There are two implementations and one body of contract tests: `infra.queue.celery_queue` and `infra.queue.memory`.
Delivery is at least once: a message is acknowledged after its handler returned, and one that was never acknowledged
is delivered again. Queue and message are named for the job type; the message holds the job's id and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

#: Takes a job's id. Says in a word how the job failed, for people who watch the queue, or None if it did not fail.
Handler = Callable[[str], str | None]


class Queue(Protocol):
    def send(self, job_type: str, job_id: str) -> None:
        """Put the note "job `job_id` is ready" on the queue of its type. Raises QueueUnavailable."""

    def send_all(self, jobs: Sequence[tuple[str, str]]) -> None:
        """As `send` for each (job type, job id), in order. After QueueUnavailable any of them may have gone out."""

    def waiting(self, job_type: str) -> int:
        """The number of messages of that type that no server has taken yet. Raises QueueUnavailable."""

    def purge(self, job_type: str) -> None:
        """Delete the messages of that type that no server has taken yet. Raises QueueUnavailable."""

    def serve(
        self, handlers: Mapping[str, Handler], slots: int, name: str, stopping: Callable[[], None] = lambda: None
    ) -> None:
        """Call `handlers[job_type](job_id)` for each message, `slots` at a time, until `stop`; then wait for them.

        `name`, as `<name>@<host>`, is what people see of this server. `stopping` is called once, when the queue
        stops taking messages and before it waits for the handlers that run. A handler that raises Redeliver gets
        its message again; any other exception is logged without its words, and the message is acknowledged.
        """

    def stop(self) -> None:
        """Make `serve` take no more messages, and return when the running handlers have. Any thread may call it."""

    def close(self) -> None: ...


class Redeliver(Exception):
    """Raised by a handler that could not do its job now: the message goes back to the queue."""


class QueueUnavailable(Exception):
    """The queue does not answer; the caller may try again."""


class QueueRefused(QueueUnavailable):
    """The queue answers, and refuses this user, key or command: trying again helps once somebody has mended that."""
