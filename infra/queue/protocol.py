"""The queue: ids out, handlers in. Knows nothing of what a job says.

There are two implementations and one body of contract tests: `infra.queue.celery_queue` and `infra.queue.memory`.
Delivery is at least once: a message is acknowledged after its handler returned, and one that was never acknowledged
is delivered again. Queue and message are named for the job type; the message holds the ids of jobs and nothing else.
Most messages hold one id. One that holds several is a bundle, and it is acknowledged or delivered again as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from infra.records import Message

#: Takes the ids of a message's jobs as its arguments. Says in a few words how jobs failed, for people who watch the
#: queue, or None if none did.
Handler = Callable[..., str | None]


class Queue(Protocol):
    def send(self, job_type: str, *job_ids: str) -> None:
        """Put the note "these jobs are ready" on the queue of their type. Raises QueueUnavailable."""

    def send_all(self, messages: Sequence[Message]) -> None:
        """As `send` for each message, in order. After QueueUnavailable any of them may have gone out."""

    def waiting(self, job_type: str) -> int:
        """The number of messages of that type that no server has taken yet. Raises QueueUnavailable."""

    def purge(self, job_type: str) -> None:
        """Delete the messages of that type that no server has taken yet. Raises QueueUnavailable."""

    def serve(
        self, handlers: Mapping[str, Handler], slots: int, name: str, stopping: Callable[[], None] = lambda: None
    ) -> None:
        """Call `handlers[job_type](*job_ids)` for each message until `stop`; then wait for the handlers that run.

        No more than `slots` handlers run at a time. Once two of them run, the next message is taken only while they
        have fewer than `slots` jobs together, so that bundles do not pile up here while others are idle.

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
