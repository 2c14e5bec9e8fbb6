"""The function engine: plain Python for job types that need no model. JSON in, JSON out; knows no schema."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from infra.settings import Settings
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, EngineStats, Finish, Request
from workers.engines.in_flight import InFlight, Ticket

Function = Callable[[dict[str, Any]], dict[str, Any]]


class FunctionEngine:
    """Runs each request in one of a few threads. A function that waits can be cancelled; one that has begun cannot.

    The message of an exception is shown only if its class is a ValueError that the function's own file defines, because
    such messages are written for people. Of any other exception only the type is shown: `int(text)` quotes the text.
    """

    name = "function"
    build: str | None = None
    precision: str | None = None
    threads = 4  #: functions are short and hold the interpreter's lock, so more threads would only take turns
    close_s = 0.0  #: how long `close` waits for each thread to end

    def __init__(self, functions: Mapping[str, Function], stall_s: float = 60.0) -> None:
        """`stall_s`: a function that runs for this long past its request's deadline is taken to never end."""
        self._functions = dict(functions)
        self._stall_s = stall_s
        self._in_flight: InFlight[Ticket] = InFlight()
        # The threads are daemons, because a function that never ends must not keep the process from ending.
        names = [f"{self.name}-{n}" for n in range(self.threads)]
        self._threads = [threading.Thread(target=self._run_all, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> FunctionEngine:
        return cls({specialist.name: specialist.function for specialist in specialists}, settings.stall_s)

    def submit(self, request: Request) -> Future[Completion]:
        return self._in_flight.submit(request, self._ticket)

    def cancel(self, request_id: str) -> None:
        self._in_flight.cancel(request_id)

    def close(self) -> None:
        """Running functions are failed at once too, because a function may never end."""
        self._in_flight.shut()
        self._in_flight.fail_all()
        for thread in self._threads:
            thread.join(self.close_s)

    def healthy(self) -> bool:
        stuck = [ticket for ticket in self._in_flight.begun() if self._is_stuck(ticket.request)]
        return self._in_flight.healthy() and len(stuck) < self.threads

    def stats(self) -> EngineStats:
        with self._in_flight.changed:
            return EngineStats("cpu", len(self._in_flight.begun()), len(self._in_flight.waiting))

    def _ticket(self, request: Request) -> Ticket:
        """Raises EngineError."""
        if request.specialist not in self._functions:
            known = ", ".join(sorted(self._functions))
            raise EngineError(f"specialist {request.specialist!r} is not hosted here; hosted: {known}", retryable=False)
        return Ticket(request)

    def _is_stuck(self, request: Request) -> bool:
        return request.deadline is not None and time.monotonic() > request.deadline + self._stall_s

    def _run_all(self) -> None:
        while ticket := self._in_flight.next():
            self._in_flight.leave(ticket, self._end(ticket))

    def _end(self, ticket: Ticket) -> Completion | EngineError:
        if finish := ticket.ended(time.monotonic()):
            return Completion("", finish)
        try:
            return Completion(self._answer(ticket.request), Finish.STOP)
        except BaseException as error:  # noqa: BLE001 - anybody's code, `sys.exit` too: it must end its job alone
            return EngineError(self._reason(ticket.request, error), retryable=False)  # it would fail again

    def _answer(self, request: Request) -> str:
        output = self._functions[request.specialist](json.loads(request.prompt))
        return json.dumps(output, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def _reason(self, request: Request, error: BaseException) -> str:
        function = self._functions[request.specialist]
        if isinstance(error, ValueError) and type(error).__module__ == function.__module__:
            return str(error)
        return f"function {request.specialist!r} raised {type(error).__name__}"
