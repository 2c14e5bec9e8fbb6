"""The function engine: plain Python for job types that need no model. JSON in, JSON out; knows no schema."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from infra.settings import Settings
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, Finish, Request

Function = Callable[[dict[str, Any]], dict[str, Any]]

#: Functions are short and hold the interpreter's lock; more threads would only take turns.
THREADS = 4


class FunctionEngine:
    """Runs each request in a small thread pool. A function that waits can be cancelled, one that has begun cannot."""

    name = "function"

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self._functions = dict(functions)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="function")
        self._in_flight: dict[str, Future[Completion]] = {}
        self._cancelled: set[str] = set()
        self._lock = threading.Lock()
        self._closed = False

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> FunctionEngine:  # noqa: ARG003 - one signature for all engines
        return cls({specialist.name: specialist.function for specialist in specialists})

    def submit(self, request: Request) -> Future[Completion]:
        future: Future[Completion] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if fault := self._fault(request):
                future.set_exception(fault)
                return future
            self._in_flight[request.id] = future
            self._pool.submit(self._run, request)
        return future

    def cancel(self, request_id: str) -> None:
        with self._lock:
            if request_id in self._in_flight:
                self._cancelled.add(request_id)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            left, self._in_flight = self._in_flight, {}
        self._pool.shutdown(wait=False, cancel_futures=True)  # a function that has begun ends for nobody
        for future in left.values():
            future.set_exception(EngineError("the engine was closed"))

    def healthy(self) -> bool:
        with self._lock:
            return not self._closed

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

    def _run(self, request: Request) -> None:
        completion, fault = None, None
        try:
            completion = self._complete(request)
        except EngineError as error:
            fault = error
        with self._lock:
            self._cancelled.discard(request.id)
            future = self._in_flight.pop(request.id, None)
        if future is None:
            return  # closed meanwhile
        if completion is None:
            future.set_exception(fault)
        else:
            future.set_result(completion)

    def _complete(self, request: Request) -> Completion:
        with self._lock:
            if request.id in self._cancelled:
                return Completion("", Finish.CANCELLED)
        if request.deadline is not None and time.monotonic() >= request.deadline:
            return Completion("", Finish.DEADLINE)
        try:
            output = self._functions[request.specialist](json.loads(request.prompt))
        except ValueError as error:
            raise EngineError(str(error), retryable=False) from error
        except Exception as error:  # the function is anybody's code: its failure must end its job alone
            # The type alone, since a message may quote the input; and the same input would fail again.
            reason = f"function {request.specialist!r} raised {type(error).__name__}"
            raise EngineError(reason, retryable=False) from error
        return Completion(json.dumps(output, ensure_ascii=False, separators=(",", ":")), Finish.STOP)
