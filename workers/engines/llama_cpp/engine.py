"""The llama.cpp engine: one specialist in llama.cpp's server, which batches. Knows no queue, lease or schema."""

from __future__ import annotations

import logging
import threading
import time
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
from workers.engines.in_flight import InFlight
from workers.engines.intake import Intake, TextTicket
from workers.engines.limits import Hosted, hosted_of
from workers.engines.llama_cpp.gguf_file import Quantisation, ensure_gguf
from workers.engines.llama_cpp.server import LlamaServer, Whole, device
from workers.engines.memory import available_here, check, need_of

log = logging.getLogger(__name__)

#: How long `close` waits for the tokens that are on their way. A step that hangs is left behind with its server.
LAST_STEP_S = 5.0

#: llama.cpp keeps the grammars' tokenizer of the model that asked last, for the whole process and without a lock. Two
#: models would make it anew for each other's requests (170 ms each, measured), and could break it at the same moment.
_ONLY_ONE = threading.Lock()


@dataclass
class _Steps:
    """The steps of llama.cpp, which does not report them: a step is over when a request is given its next token."""

    count: int = 0
    seconds: float = 0.0
    rows: int = 0
    ended: float = 0.0  #: `time.monotonic()` at which the last step ended
    given: set[str] = field(default_factory=set)  #: requests that this step has given a token

    def take(self, id: str, now: float, busy_since: float) -> None:
        if id in self.given:
            self.end(now, busy_since)
        self.given.add(id)
        self.rows += 1

    def end(self, now: float, busy_since: float) -> None:
        self.count += 1
        self.seconds += now - max(self.ended, busy_since)
        self.ended, self.given = now, set()


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

        `stall_s`: it is not healthy without a token for this long while there is work. Raises EngineError if there is
        another such engine in this process.
        """
        self.precision = quantisation
        self._intake = Intake(base, {name: hosted})
        self._device = device()
        self._in_flight: InFlight[TextTicket] = InFlight(stall_s, emptied=self._end_step)
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
        """An engine for the only one of `specialists`. Its weights are fetched and converted first if need be.

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
        return self._in_flight.submit(request, self._intake.take)

    def cancel(self, request_id: str) -> None:
        self._in_flight.cancel(request_id)
        self._release()

    def close(self) -> None:
        """An engine that hangs is left behind with its server."""
        if not self._in_flight.close(self._threads, LAST_STEP_S):
            return
        with self._in_flight.changed:
            server, self._server = self._server, None
        if server:
            del server  # its memory must be free before another engine may come
            _ONLY_ONE.release()

    def healthy(self) -> bool:
        return self._in_flight.healthy()

    def stats(self) -> EngineStats:
        with self._in_flight.changed:
            steps, waiting = replace(self._steps), len(self._in_flight.waiting)
            running = len(self._in_flight) - waiting
        return EngineStats(self._device, running, waiting, steps.count, steps.seconds, steps.rows)

    @property
    def build(self) -> str:
        return build_of("xllamacpp")

    def _release(self) -> None:
        """Let requests go that wait and were cancelled or are late."""
        now = time.monotonic()
        with self._in_flight.changed:
            ended = [(ticket, finish) for ticket in self._in_flight.waiting if (finish := ticket.ended(now))]
        for ticket, finish in ended:
            self._in_flight.leave(ticket, ticket.completion(finish))

    def _end_step(self) -> None:
        """End the step when the last of its requests has left."""
        if self._steps.given:
            self._steps.end(time.monotonic(), self._in_flight.busy_since)

    # -- a thread for each slot --

    def _run(self) -> None:
        while ticket := self._in_flight.next():
            try:
                end: Completion | EngineError = self._complete(ticket)
            except EngineError as error:
                end = error
            except Exception as error:  # noqa: BLE001 - whatever broke must reach its future, not end the thread
                # Only the type is told, because a message may quote the request.
                log.error("llama.cpp raised %s\n%s", type(error).__name__, where(error), extra={"action": "step"})
                end = EngineError(f"llama.cpp failed with {type(error).__name__}")
            self._in_flight.leave(ticket, end)

    def _complete(self, ticket: TextTicket) -> Completion:
        """Raises EngineError."""
        assert self._server, "it goes when its threads have gone"
        if finish := ticket.ended(time.monotonic()):
            return ticket.completion(finish)
        whole = self._server.complete(
            ticket.prompt, ticket.grammar, ticket.most, lambda piece: self._take(ticket, piece)
        )
        if whole is None and self._in_flight.closed:
            raise EngineError(str(self._in_flight.closed))
        return _read(ticket, whole)

    def _take(self, ticket: TextTicket, piece: str) -> bool:
        """Add a piece to its answer. Returns False if no more of it is wanted."""
        now = time.monotonic()
        ticket.pieces.append(piece)
        ticket.chosen += 1
        self._in_flight.step()
        with self._in_flight.changed:
            self._steps.take(ticket.request.id, now, self._in_flight.busy_since)
        self._release()
        return not (self._in_flight.closed or ticket.ended(now))


def _read(ticket: TextTicket, whole: Whole | None) -> Completion:
    if whole is None:
        finish = ticket.ended(time.monotonic())
        assert finish, "it was stopped for one of two reasons"
        return ticket.completion(finish)
    ticket.chosen, ticket.reused = whole.tokens, whole.reused
    return ticket.completion(Finish.STOP if whole.reason == "stop" else Finish.LENGTH)


def _check_memory(base: Path, weights: Path, hosted: Hosted, slots: int) -> None:
    """Raise MemoryShort if it does not fit. Keys and values are fp16."""
    need = need_of(base, [], slots, hosted.tokens + 1, 2)
    if need:
        check(replace(need, weights=weights.stat().st_size), available_here(), "memory")
