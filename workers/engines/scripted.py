"""The scripted engine: answers from a table, after a delay if wanted. For tests and load tests; runs no model."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import count

from infra.settings import Settings
from specialists.examples import read_examples
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, Finish, Request

Answer = str | Callable[[Request], str]

#: A scripted specialist's folder holds its table as examples: input and output.
TABLE = "examples.jsonl"


class ScriptedEngine:
    """One thread ends each request when its delay is over: any number of them wait at the same time."""

    name = "scripted"

    def __init__(self, answers: Mapping[str, Answer], delay_s: float = 0.0) -> None:
        """`answers`: by prompt, or by specialist where no prompt fits. A callable may raise EngineError."""
        self._answers = dict(answers)
        self._delay_s = delay_s
        self._due: list[tuple[float, int, Request]] = []  # a heap
        self._order = count()
        self._in_flight: dict[str, Future[Completion]] = {}
        self._cancelled: set[str] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="script", daemon=True)
        self._thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> ScriptedEngine:  # noqa: ARG003 - one signature for all engines
        return cls(
            {
                specialist.render(example.input): specialist.format.write(example.output)
                for specialist in specialists
                for example in read_examples(specialist.folder / TABLE)
            }
        )

    def submit(self, request: Request) -> Future[Completion]:
        future: Future[Completion] = Future()
        future.set_running_or_notify_cancel()
        with self._changed:
            if self._closed:
                future.set_exception(EngineError("the engine was closed"))
            elif request.id in self._in_flight:
                future.set_exception(EngineError(f"request {request.id!r} is in flight already", retryable=False))
            else:
                self._in_flight[request.id] = future
                due = time.monotonic() + self._delay_s
                self._put(due if request.deadline is None else min(due, request.deadline), request)
        return future

    def cancel(self, request_id: str) -> None:
        with self._changed:
            if request_id in self._in_flight:
                self._cancelled.add(request_id)
                self._due = [(due if r.id != request_id else 0.0, order, r) for due, order, r in self._due]
                heapq.heapify(self._due)
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def healthy(self) -> bool:
        with self._changed:
            return not self._closed

    def _put(self, due: float, request: Request) -> None:
        heapq.heappush(self._due, (due, next(self._order), request))
        self._changed.notify_all()

    def _run(self) -> None:
        while request := self._next():
            with self._changed:
                future = self._in_flight.pop(request.id)
                cancelled = request.id in self._cancelled
                self._cancelled.discard(request.id)
            try:
                completion = self._complete(request, cancelled)
            except EngineError as error:
                future.set_exception(error)
            else:
                future.set_result(completion)
        for future in self._in_flight.values():
            future.set_exception(EngineError("the engine was closed"))

    def _next(self) -> Request | None:
        """Wait for the next request that is due; None when the engine is closed."""
        with self._changed:
            while not self._closed:
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait_s)
        return None

    def _complete(self, request: Request, cancelled: bool) -> Completion:
        if cancelled:
            return Completion("", Finish.CANCELLED)
        if request.deadline is not None and time.monotonic() >= request.deadline:
            return Completion("", Finish.DEADLINE)
        answer = self._answers.get(request.prompt, self._answers.get(request.specialist))
        if answer is None:
            # The prompt itself is not quoted: it may be private.
            raise EngineError(f"no answer is scripted for this prompt of {request.specialist!r}", retryable=False)
        return Completion(answer if isinstance(answer, str) else answer(request), Finish.STOP)
