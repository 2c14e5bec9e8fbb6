"""The function engine: plain Python for job types that need no model. JSON in, JSON out; knows no schema."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from infra.settings import Settings
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, EngineStats, Finish, Request

Function = Callable[[dict[str, Any]], dict[str, Any]]


class FunctionEngine:
    """Runs each request in one of a few threads. A function that waits can be cancelled, one that has begun cannot.

    Why a function failed is shown in its own words only where the exception is a ValueError whose class its own file
    defines, written for people to read. Of any other exception the type alone is: `int(text)` quotes the text.
    """

    name = "function"
    build: str | None = None
    precision: str | None = None
    threads = 4  #: functions are short and hold the interpreter's lock; more would only take turns
    close_s = 0.0  #: that `close` waits for each thread to end

    def __init__(self, functions: Mapping[str, Function], stall_s: float = 60.0) -> None:
        """`stall_s`: a function that runs for so long past its request's deadline is taken to never end."""
        self._functions = dict(functions)
        self._stall_s = stall_s
        self._waiting: SimpleQueue[Request | None] = SimpleQueue()  # None: the engine was closed
        self._begun: dict[str, Request] = {}
        self._in_flight: dict[str, Future[Completion]] = {}
        self._cancelled: set[str] = set()
        self._lock = threading.Lock()
        self._closed = False
        # Daemons: a function that never ends must not keep the process from ending.
        names = [f"{self.name}-{n}" for n in range(self.threads)]
        self._threads = [threading.Thread(target=self._run_all, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> FunctionEngine:
        return cls({specialist.name: specialist.function for specialist in specialists}, settings.stall_s)

    def submit(self, request: Request) -> Future[Completion]:
        future: Future[Completion] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if fault := self._fault(request):
                future.set_exception(fault)
                return future
            self._in_flight[request.id] = future
            self._waiting.put(request)
        return future

    def cancel(self, request_id: str) -> None:
        with self._lock:
            if request_id in self._in_flight:
                self._cancelled.add(request_id)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            left, self._in_flight = self._in_flight, {}
        for _ in range(self.threads):
            self._waiting.put(None)
        for future in left.values():
            future.set_exception(EngineError("the engine was closed"))
        for thread in self._threads:
            thread.join(self.close_s)

    def healthy(self) -> bool:
        with self._lock:
            overdue = [each for each in self._begun.values() if self._is_stuck(each)]
            return not self._closed and len(overdue) < self.threads

    def stats(self) -> EngineStats:
        with self._lock:
            waiting = sum(id not in self._begun for id in self._in_flight)
            return EngineStats("cpu", running=len(self._begun), waiting=waiting)

    def _fault(self, request: Request) -> EngineError | None:
        if self._closed:
            return EngineError("the engine was closed")
        if request.specialist not in self._functions:
            known = ", ".join(sorted(self._functions))
            return EngineError(
                f"specialist {request.specialist!r} is not hosted here; hosted: {known}", retryable=False
            )
        if request.id in self._in_flight:
            return EngineError(f"request {request.id!r} is in flight already", retryable=False)
        return None

    def _is_stuck(self, request: Request) -> bool:
        return request.deadline is not None and time.monotonic() > request.deadline + self._stall_s

    def _run_all(self) -> None:
        while request := self._waiting.get():
            self._run(request)

    def _run(self, request: Request) -> None:
        completion = self._early(request)
        fault: EngineError | None = None
        if completion is None:
            try:
                completion = Completion(self._answer(request), Finish.STOP)
            except BaseException as error:  # noqa: BLE001 - anybody's code, `sys.exit` too: it must end its job alone
                fault = EngineError(self._reason(request, error), retryable=False)  # the same input would fail again
        with self._lock:
            self._cancelled.discard(request.id)
            self._begun.pop(request.id, None)
            future = self._in_flight.pop(request.id, None)
        if future is None:
            return  # closed meanwhile
        if completion is None:
            future.set_exception(fault)
        else:
            future.set_result(completion)

    def _early(self, request: Request) -> Completion | None:
        """How a request ends whose function need not begin."""
        with self._lock:
            if self._closed or request.id in self._cancelled:
                return Completion("", Finish.CANCELLED)
            if request.deadline is not None and time.monotonic() >= request.deadline:
                return Completion("", Finish.DEADLINE)
            self._begun[request.id] = request
            return None

    def _answer(self, request: Request) -> str:
        output = self._functions[request.specialist](json.loads(request.prompt))
        return json.dumps(output, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def _reason(self, request: Request, error: BaseException) -> str:
        function = self._functions[request.specialist]
        if isinstance(error, ValueError) and type(error).__module__ == function.__module__:
            return str(error)
        return f"function {request.specialist!r} raised {type(error).__name__}"
