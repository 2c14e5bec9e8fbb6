"""The llama.cpp engine: one specialist in llama.cpp's server, which batches. Knows no queue, lease or schema."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.logs import where
from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, EngineStats, Finish, Request
from workers.engines.build import build_of
from workers.engines.in_flight import Intake, Ticket, refused
from workers.engines.limits import Hosted, hosted_of
from workers.engines.llama_cpp.gguf_file import Quantisation, ensure_gguf
from workers.engines.llama_cpp.server import LlamaServer, Whole, device
from workers.engines.memory import available_here, check, need_of

log = logging.getLogger(__name__)

#: `close` waits for so long for the tokens that are on their way; a step that hangs is left behind with its server.
LAST_STEP_S = 5.0

#: llama.cpp keeps the grammars' tokenizer of the last model that asked, for the whole process and without a lock: two
#: models make it anew for each other's requests (170 ms each, measured), and could break it at the same moment.
_ONLY_ONE = threading.Lock()


@dataclass
class _Steps:
    """Those of llama.cpp, which does not tell them: one is over when a request is given its next token."""

    count: int = 0
    seconds: float = 0.0
    rows: int = 0
    began: float = 0.0
    given: set[str] = field(default_factory=set)

    def take(self, id: str, now: float) -> None:
        if id in self.given:
            self.end(now)
        self.given.add(id)
        self.rows += 1

    def end(self, now: float) -> None:
        self.count += 1
        self.seconds += now - self.began
        self.began, self.given = now, set()


class LlamaCppEngine:
    name = "llama.cpp"

    def __init__(
        self,
        base: Path,
        weights: Path,
        name: str,
        hosted: Hosted,
        slots: int = 16,
        threads: int | None = None,
        stall_s: float = 60.0,
        quantisation: Quantisation = Quantisation.Q8_0,
    ) -> None:
        """`base`: the folder with the tokenizer; `weights`: the GGUF file of specialist `name`, of `quantisation`.

        `stall_s`: without a token for so long, while there is work, it is not healthy. Raises EngineError where there
        is another one in this process.
        """
        self.precision = quantisation
        self._intake = Intake(base, {name: hosted})
        self._stall_s = stall_s
        self._device = device()
        self._changed = threading.Condition()  # guards what follows
        self._waiting: deque[Ticket] = deque()
        self._by_id: dict[str, Ticket] = {}
        self._closed: EngineError | None = None
        self._stepped_at = time.monotonic()
        self._steps = _Steps()
        if not _ONLY_ONE.acquire(blocking=False):
            raise EngineError(
                f"engine 'llama.cpp' hosts one specialist in a process, and {name!r} is not the first here; have each "
                "served by a worker of its own, or by engine 'transformers', which hosts several on one base",
                retryable=False,
            )
        try:
            self._server: LlamaServer | None = LlamaServer(weights, slots, hosted, threads)
        except BaseException:
            _ONLY_ONE.release()
            raise
        self._threads = [threading.Thread(target=self._run, name=f"llama-{n}", daemon=True) for n in range(slots)]
        for thread in self._threads:
            thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> LlamaCppEngine:
        """An engine that hosts the one of `specialists`; its weights are fetched and converted first if need be.

        Raises MemoryShort before it loads anything.
        """
        (specialist,) = specialists
        base, hosted = specialist.manifest.base, hosted_of(specialist)
        assert base, "the manifest's check: engine 'llama.cpp' names a base"
        folder = ensure(base.name, settings.weights, log.info, base.sha256)
        kind = Quantisation.Q8_0
        weights = ensure_gguf(folder, hosted.adapter, kind, settings.weights / "gguf", log.info)
        log.info("weights: %s", weights.parent.name, extra={"action": "check"})
        _check_memory(folder, weights, hosted, settings.slots)
        return cls(folder, weights, specialist.name, hosted, settings.slots, settings.threads, settings.stall_s, kind)

    # -- any thread --

    def submit(self, request: Request) -> Future[Completion]:
        try:
            ticket = self._intake.take(request)
            with self._changed:
                self._accept(ticket)
        except EngineError as error:
            return refused(error)
        return ticket.future

    def cancel(self, request_id: str) -> None:
        with self._changed:
            if ticket := self._by_id.get(request_id):
                ticket.cancelled = True
        self._release()

    def close(self) -> None:
        with self._changed:
            self._closed = self._closed or EngineError("the engine was closed")
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for ticket in left:
            self._leave(ticket, self._closed)
        until = time.monotonic() + LAST_STEP_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            log.critical("a decoding step hangs; llama.cpp is left behind", extra={"action": "close"})
            return
        with self._changed:
            server, self._server = self._server, None
        if server:
            del server  # its memory goes before another may come
            _ONLY_ONE.release()

    def healthy(self) -> bool:
        with self._changed:
            stalled = bool(self._by_id) and time.monotonic() - self._stepped_at > self._stall_s
            return self._closed is None and not stalled

    def stats(self) -> EngineStats:
        with self._changed:
            steps, waiting = replace(self._steps), len(self._waiting)
            running = len(self._by_id) - waiting
        return EngineStats(self._device, running, waiting, steps.count, steps.seconds, steps.rows)

    @property
    def build(self) -> str:
        return build_of("xllamacpp")

    def _accept(self, ticket: Ticket) -> None:
        if self._closed:
            raise EngineError(str(self._closed))
        if ticket.request.id in self._by_id:
            raise EngineError(f"request {ticket.request.id!r} is in flight already", retryable=False)
        if not self._by_id:
            self._stepped_at = self._steps.began = time.monotonic()  # an idle engine has not stalled
        self._by_id[ticket.request.id] = ticket
        self._waiting.append(ticket)
        self._changed.notify()

    def _release(self) -> None:
        """Let those go that wait and were cancelled or are late."""
        now = time.monotonic()
        with self._changed:
            ended = [(ticket, finish) for ticket in self._waiting if (finish := ticket.ended(now))]
            for ticket, _ in ended:
                self._waiting.remove(ticket)
        for ticket, finish in ended:
            self._leave(ticket, ticket.completion(finish))

    def _leave(self, ticket: Ticket, end: Completion | EngineError) -> None:
        with self._changed:
            self._by_id.pop(ticket.request.id, None)
            if not self._by_id and self._steps.given:
                self._steps.end(time.monotonic())
        if isinstance(end, EngineError):
            ticket.future.set_exception(end)
        else:
            ticket.future.set_result(end)

    # -- a thread for each slot --

    def _run(self) -> None:
        while ticket := self._next():
            try:
                end: Completion | EngineError = self._complete(ticket)
            except EngineError as error:
                end = error
            except Exception as error:  # noqa: BLE001 - whatever broke must reach its future, not end the thread
                # The type alone: a message may quote the request.
                log.error("llama.cpp raised %s\n%s", type(error).__name__, where(error), extra={"action": "step"})
                end = EngineError(f"llama.cpp failed with {type(error).__name__}")
            self._leave(ticket, end)

    def _next(self) -> Ticket | None:
        """Wait for a request; None when the engine is closed."""
        with self._changed:
            while not (self._closed or self._waiting):
                self._changed.wait()
            return None if self._closed else self._waiting.popleft()

    def _complete(self, ticket: Ticket) -> Completion:
        """Raises EngineError."""
        assert self._server, "it goes when its threads have gone"
        if finish := ticket.ended(time.monotonic()):
            return ticket.completion(finish)
        whole = self._server.complete(
            ticket.prompt, ticket.grammar, ticket.most, lambda piece: self._take(ticket, piece)
        )
        if whole is None and self._closed:
            raise EngineError(str(self._closed))
        return _read(ticket, whole)

    def _take(self, ticket: Ticket, piece: str) -> bool:
        """One more piece of its answer; False: no more of it is wanted."""
        now = time.monotonic()
        ticket.pieces.append(piece)
        ticket.chosen += 1
        with self._changed:
            self._stepped_at = now
            self._steps.take(ticket.request.id, now)
        self._release()
        return not (self._closed or ticket.ended(now))


def _read(ticket: Ticket, whole: Whole | None) -> Completion:
    if whole is None:
        finish = ticket.ended(time.monotonic())
        assert finish, "it was stopped for one of two reasons"
        return ticket.completion(finish)
    ticket.chosen, ticket.reused = whole.tokens, whole.reused
    return ticket.completion(Finish.STOP if whole.reason == "stop" else Finish.LENGTH)


def _check_memory(base: Path, weights: Path, hosted: Hosted, slots: int) -> None:
    """Keys and values are fp16."""
    need = need_of(base, [], slots, hosted.tokens + 1, 2)
    if need:
        check(replace(need, weights=weights.stat().st_size), available_here(), "memory")
