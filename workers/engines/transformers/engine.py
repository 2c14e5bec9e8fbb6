"""The transformers engine: one thread decodes a running batch. Knows no queue, no lease and no schema."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from infra.logs import where
from infra.settings import Settings
from specialists.bases.model import encode
from specialists.bases.weights import ensure
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, EngineStats, Request
from workers.engines.build import build_of
from workers.engines.digests import log_digests
from workers.engines.grammar import GrammarError, Grammars
from workers.engines.in_flight import InFlight
from workers.engines.limits import Hosted, host_of, hosted_of
from workers.engines.mask import Mask
from workers.engines.memory import check, gib, head_numbers, need_of
from workers.engines.precision import Precision, fastest
from workers.engines.transformers.batch import Batch, Row
from workers.engines.transformers.decoder import Decoder, best_device, free_bytes
from workers.engines.transformers.grouping import Piece
from workers.engines.transformers.pressure import Pressure
from workers.engines.transformers.techniques import Techniques
from workers.engines.work import Work

log = logging.getLogger(__name__)

#: How many steps in a row may fail before the engine says that it is broken. It is fewer than the attempts of a job, so
#: that the same rows cannot spend all their attempts here.
FAILURES_ALLOWED = 2

#: The least tokens of one step, and the tokens that each slot adds. Triage jobs/s in 32 slots with 256 and 512 tokens:
#: 116 and 103; in 64 slots with 512 and 1024: 139 and 127 (2 cores with AMX, bf16, 2026-11).
LEAST_STEP, STEP_PER_SLOT = 256, 8

#: Bytes of each weight during loading, before the weights are laid out in the precision asked for.
LOADED_BYTES = 4

#: How long `close` waits for the last step. A step that hangs is left behind. On a busy small machine a step takes a
#: second or two at most.
LAST_STEP_S = 5.0


def _out_of_memory(error: Exception) -> bool:
    """Whether memory ran out. On a CPU torch has no error class of its own for that."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def _check_memory(base: Path, hosted: Mapping[str, Hosted], slots: int, device: str, precision: Precision) -> None:
    adapters = [each.adapter.path for each in hosted.values() if each.adapter]
    length, width = max(each.tokens for each in hosted.values()), precision.dtype.itemsize
    need = need_of(base, adapters, slots, length, width, precision.weight_bytes)
    if need:
        loading = LOADED_BYTES * need.weights // precision.weight_bytes
        weights = need.weights + head_numbers(base) * width
        need = replace(need, weights=weights, prefixes=Techniques().prefix_bytes, loading=loading)
    available = free_bytes(device)
    check(need, available, f"{device}'s memory")
    there = "unknown" if available is None else gib(available)
    needs = need or "unknown: neither its config nor its weights say, so nothing was checked"
    log.info("memory: needs %s; available on %s: %s", needs, device, there, extra={"action": "check"})


class TransformersEngine:
    name = "transformers"

    def __init__(
        self,
        base: Path,
        hosted: Mapping[str, Hosted],
        slots: int = 16,
        threads: int | None = None,
        device: str | None = None,
        step_tokens: int | None = None,
        stall_s: float = 60.0,
        precision: Precision | None = None,
        techniques: Techniques = Techniques(),  # noqa: B008 - frozen
    ) -> None:
        """`step_tokens` bounds one step: a longer prompt is fed over several steps, while the other answers go on. If
        it is None, the number of slots decides.

        `stall_s`: it is not healthy without a step for this long while there is work. `precision`: None for fastest.
        """
        if threads:
            torch.set_num_threads(threads)
        length = max(each.tokens for each in hosted.values())
        adapters = {name: each.adapter for name, each in hosted.items()}
        self._hosted = dict(hosted)
        self._device = device or best_device()
        self.precision = precision or fastest(self._device)
        self._techniques = techniques
        self._pressure = Pressure(slots, step_tokens or max(LEAST_STEP, STEP_PER_SLOT * slots))
        self._batch = Batch(slots)
        self._in_flight: InFlight[Row] = InFlight(stall_s)
        self._encoding = threading.Lock()  # a tokenizer refuses two callers at once
        self._failures = 0
        self._work = Work()
        # The thread that decodes also loads. Each thread that multiplies has helper threads of its own, and if there
        # are more of these than cores, OpenMP lets them sleep between two products: a step then took twice as long.
        loaded: Future[Decoder] = Future()
        load = partial(Decoder, base, adapters, slots, length, self._device, self.precision, techniques)
        self._thread = threading.Thread(target=self._run, args=(load, loaded), name="decode", daemon=True)
        self._thread.start()
        self._decoder = loaded.result()
        self._grammars = Grammars(self._decoder.tokenizer, self._decoder.vocabulary)
        self._end: int = self._decoder.tokenizer.eos_token_id

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> TransformersEngine:
        """An engine that hosts `specialists`, all on one base. Its weights are fetched first if need be.

        Raises MemoryShort before it loads anything.
        """
        base = specialists[0].manifest.base
        assert base, "the manifest's check: engine 'transformers' names a base"
        folder = ensure(base.name, settings.weights, log.info, base.sha256)
        log_digests(log, specialists, folder.name)
        hosted, device = {each.name: hosted_of(each) for each in specialists}, best_device()
        precision = Precision(settings.precision) if settings.precision else fastest(device)
        _check_memory(folder, hosted, settings.slots, device, precision)
        return cls(
            folder, hosted, settings.slots, settings.threads, device, stall_s=settings.stall_s, precision=precision
        )

    # -- any thread --

    def submit(self, request: Request) -> Future[Completion]:
        return self._in_flight.submit(request, self._row)

    def cancel(self, request_id: str) -> None:
        self._in_flight.cancel(request_id)

    def close(self) -> None:
        self._in_flight.close([self._thread], LAST_STEP_S)

    def healthy(self) -> bool:
        return self._in_flight.healthy() and self._thread.is_alive()

    def stats(self) -> EngineStats:
        with self._in_flight.changed:
            running = len(self._batch)
            work = replace(self._work)
            waiting = len(self._in_flight.waiting)
        shrunk = self._pressure.shrunk
        return EngineStats(self._device, running, waiting, work.steps, work.step_s, work.rows, shrunk=shrunk)

    @property
    def build(self) -> str:
        return build_of("transformers", "torch", "llguidance")

    def _row(self, request: Request) -> Row:
        hosted = host_of(request, self._hosted)
        with self._encoding:
            prompt, cut = hosted.fit(partial(encode, self._decoder.tokenizer), request)
        row = Row(request, prompt, self._grammars.guide(request.grammar), self._techniques.forced, cut)
        row.look_up(time.monotonic())
        row.start()
        return row

    # -- the decoding thread --

    def _run(self, load: Callable[[], Decoder], loaded: Future[Decoder]) -> None:
        try:
            loaded.set_result(load())
        except Exception as error:  # noqa: BLE001 - raised where the engine is made
            loaded.set_exception(error)
            return
        try:
            while self._in_flight.await_work():
                try:
                    self._admit()
                    self._step()
                except Exception as error:  # noqa: BLE001 - whatever broke a step must reach its futures, not end the thread
                    self._fail_batch(error)
                else:
                    self._failures = 0
        finally:
            self._in_flight.shut("the engine's thread has ended")
            self._in_flight.fail_all()

    def _admit(self) -> None:
        """Let waiting requests join the batch while there is room."""
        with self._in_flight.changed:
            joined = []
            while self._in_flight.waiting and len(self._batch) < self._pressure.rows:
                row = self._in_flight.waiting.popleft()
                joined.append((self._batch.join(row), row))
        for slot, row in joined:
            prompt = row.prompt[: row.pending - 1]  # at least one token must be fed, so that another can follow
            row.begin(self._decoder.begin(slot, row.request.specialist, prompt))

    def _step(self) -> None:
        self._in_flight.step()
        began = time.monotonic()
        self._release()
        fed = self._batch.feed(self._pressure.tokens)
        if not fed:
            return
        try:
            self._advance(fed)
        except Exception as error:
            if not (_out_of_memory(error) and self._shrink(fed)):
                raise
            return
        self._pressure.pass_step()
        with self._in_flight.changed:
            self._work.add(time.monotonic() - began, len(fed))
        self._release()

    def _advance(self, fed: Sequence[tuple[Row, Piece]]) -> None:
        """Feed the pieces, and choose the next token of each row that has nothing left to feed."""
        whole = [row.pending == 0 for row, _ in fed]
        hidden = self._decoder.feed([piece for _, piece in fed], whole)  # (whole rows, E)
        ready = [(row, piece) for (row, piece), all_fed in zip(fed, whole, strict=True) if all_fed]
        allowed = [self._allowed(row) for row, _ in ready]
        guided = [n for n, mask in enumerate(allowed) if mask is not None]
        choices = self._decoder.choose(hidden[guided], [mask for mask in allowed if mask is not None])
        for n, choice in zip(guided, choices, strict=True):
            row, piece = ready[n]
            if piece.start < len(row.prompt) <= piece.reach:
                self._keep(piece.slot, row)
            try:
                row.take(choice, self._end)
            except GrammarError as error:
                self._leave(row, error)

    def _allowed(self, row: Row) -> Mask | None:
        """None if its grammar gave up: the row has left, and the others go on."""
        try:
            return row.guide.allowed()
        except GrammarError as error:
            self._leave(row, error)
            return None

    def _keep(self, slot: int, row: Row) -> None:
        """Keep the prompt, which was just fed, for other requests, if there is something new in it."""
        if len(row.prompt) - row.reused > 1:
            self._decoder.keep(slot, row.request.specialist, row.prompt)

    def _shrink(self, fed: Sequence[tuple[Row, Piece]]) -> bool:
        """Have a step that ran out of memory done in smaller ones. False if the steps are as small as possible."""
        rows = list(self._batch)
        if not self._pressure.shrink(len(rows)):
            return False
        room = self._pressure
        log.warning(
            "memory ran out in a step: %d rows and %d tokens at a time from now on", room.rows, room.tokens,
            extra={"action": "shrink"},
        )  # fmt: skip
        self._decoder.forget()
        for row, piece in fed:
            row.unfeed(piece)
        with self._in_flight.changed:
            for row in reversed(rows[room.rows :]):
                self._batch.leave(row)
                row.restart()
                self._in_flight.waiting.appendleft(row)
        return True

    def _release(self) -> None:
        """Let all requests go that have ended, were cancelled or are late, waiting ones too."""
        now = time.monotonic()
        for row in self._in_flight:
            row.look_up(now)
            if row.finish:
                self._leave(row, None)

    def _leave(self, row: Row, error: EngineError | None) -> None:
        end = error or row.completion(self._grammars.text(row.answer))
        with self._in_flight.changed:
            self._batch.leave(row)
        self._in_flight.leave(row, end)

    def _fail_batch(self, error: Exception) -> None:
        # Only the type is told, because a message of torch or llguidance may quote what it failed on.
        name = type(error).__name__
        log.error("a decoding step raised %s\n%s", name, where(error), extra={"action": "step"})
        self._failures += 1
        if self._failures >= FAILURES_ALLOWED:  # first, because callers that get the failure may ask for our health
            self._in_flight.shut(f"the engine is broken: {self._failures} steps in a row failed")
        for row in self._batch:
            self._leave(row, EngineError(f"a decoding step failed with {name}"))
