"""The requests in flight in an engine: accepted or refused, cancelled, ended once, failed when the engine closes.

It works on none of them, and knows no model.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from workers.engines import Completion, EngineError, Finish, Request

log = logging.getLogger(__name__)

CLOSED = "the engine was closed"


@dataclass(eq=False)
class Ticket:
    """A request in flight. Engines add what they need to work on it."""

    request: Request
    future: Future[Completion] = field(default_factory=Future, init=False)
    cancelled: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.future.set_running_or_notify_cancel()  # from here on only the engine ends it

    def ended(self, now: float) -> Finish | None:
        """Why it must stop at monotonic time `now`; None if it need not."""
        if self.cancelled:
            return Finish.CANCELLED
        late = self.request.deadline is not None and now >= self.request.deadline
        return Finish.DEADLINE if late else None


T = TypeVar("T", bound=Ticket)


class InFlight(Generic[T]):
    """May be used from any thread. `changed` guards it, and whatever an engine keeps of the same requests."""

    def __init__(
        self,
        stall_s: float = math.inf,
        line_up: Callable[[T], None] | None = None,
        emptied: Callable[[], None] = lambda: None,
    ) -> None:
        """`stall_s`: the engine is not healthy if it makes no step for this long while there is work.

        Both functions are called under the lock: `line_up` with each accepted request, which joins `waiting` by
        default, and `emptied` when the last request has left.
        """
        self.changed = threading.Condition()
        self.waiting: deque[T] = deque()  #: accepted and not begun, the oldest first
        self.closed: EngineError | None = None  #: why no request is accepted any more
        self.busy_since = 0.0  #: `time.monotonic()` at which the engine last went from idle to busy
        self._stall_s = stall_s
        self._line_up = line_up or self.waiting.append
        self._emptied = emptied
        self._by_id: dict[str, T] = {}
        self._stepped_at = 0.0

    def submit(self, request: Request, take: Callable[[Request], T]) -> Future[Completion]:
        """`take` makes the request's ticket. It raises EngineError if no completion could come of the request."""
        try:
            ticket = take(request)
            self._accept(ticket)
        except EngineError as error:
            return _refused(error)
        return ticket.future

    def cancel(self, request_id: str) -> T | None:
        """Cancel the request of this id. Returns its ticket if there is one."""
        with self.changed:
            ticket = self._by_id.get(request_id)
            if ticket:
                ticket.cancelled = True
            return ticket

    def step(self) -> None:
        """Record that the engine makes progress."""
        with self.changed:
            self._stepped_at = time.monotonic()

    def healthy(self) -> bool:
        with self.changed:
            stalled = bool(self._by_id) and time.monotonic() - self._stepped_at > self._stall_s
            return self.closed is None and not stalled

    def await_work(self) -> bool:
        """Return when a request is in flight; False when the engine is closed."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or self._by_id)
            return self.closed is None

    def next(self) -> T | None:
        """Take the request that has waited longest out of those that wait; None when the engine is closed."""
        with self.changed:
            self.changed.wait_for(lambda: self.closed or self.waiting)
            return None if self.closed else self.waiting.popleft()

    def begun(self) -> list[T]:
        """The requests that do not wait any more and have not ended."""
        with self.changed:
            waiting = set(self.waiting)
            return [ticket for ticket in self._by_id.values() if ticket not in waiting]

    def leave(self, ticket: T, end: Completion | EngineError) -> None:
        """End the request. This does nothing if it has ended."""
        with self.changed:
            if self._by_id.get(ticket.request.id) is not ticket:
                return
            del self._by_id[ticket.request.id]
            if ticket in self.waiting:
                self.waiting.remove(ticket)
            if not self._by_id:
                self._emptied()
        if isinstance(end, EngineError):
            ticket.future.set_exception(end)
        else:
            ticket.future.set_result(end)

    def shut(self, reason: str = CLOSED) -> None:
        """Accept no more requests, and fail those that wait. The first reason counts."""
        with self.changed:
            self.closed = self.closed or EngineError(reason)
            left = list(self.waiting)
            self.changed.notify_all()
        self._fail(left)

    def fail_all(self) -> None:
        """Fail what is left in an engine that was shut."""
        self._fail(list(self))

    def close(self, threads: Sequence[threading.Thread], last_step_s: float) -> bool:
        """Shut, and wait `last_step_s` for the threads. Returns False if one of them hangs and is left behind."""
        self.shut()
        until = time.monotonic() + last_step_s
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        self.fail_all()
        hangs = any(thread.is_alive() for thread in threads)
        if hangs:
            log.critical("a decoding step hangs; its thread is left behind", extra={"action": "close"})
        return not hangs

    def __iter__(self) -> Iterator[T]:
        with self.changed:
            return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def _accept(self, ticket: T) -> None:
        with self.changed:
            if self.closed:
                raise EngineError(str(self.closed))
            if ticket.request.id in self._by_id:
                raise EngineError(f"request {ticket.request.id!r} is in flight already", retryable=False)
            if not self._by_id:
                self.busy_since = self._stepped_at = time.monotonic()  # an idle engine has not stalled
            self._by_id[ticket.request.id] = ticket
            self._line_up(ticket)
            self.changed.notify()

    def _fail(self, tickets: Sequence[T]) -> None:
        assert self.closed, "only an engine that was shut fails what it has"
        for ticket in tickets:
            self.leave(ticket, EngineError(str(self.closed)))


def _refused(error: EngineError) -> Future[Completion]:
    future: Future[Completion] = Future()
    future.set_exception(error)
    return future
