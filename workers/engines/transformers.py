"""The transformers engine: one thread decodes a running batch. Knows no queue, no lease and no schema."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from infra.logs import where
from infra.settings import Settings
from specialists.specialist import Specialist
from specialists.training.base_model import encode
from specialists.weights import ensure
from workers.engines import Completion, EngineError, EngineStats, PromptTooLong, Request
from workers.engines.adapters import AdapterSource
from workers.engines.batch import Batch, Row
from workers.engines.decoder import Decoder, best_device, free_bytes, number_bytes
from workers.engines.grammar import GrammarError, Grammars
from workers.engines.slots import Piece
from workers.memory import check, gib, need_of

log = logging.getLogger(__name__)

#: Steps in a row that may fail before the engine calls itself broken: fewer than a job has attempts, so that the same
#: rows cannot spend them all here.
FAILURES_ALLOWED = 2

#: `close` waits for so long for the last step; one that hangs is left behind. A step of an engine that is at work takes
#: a second or two at most, even on a busy small machine.
LAST_STEP_S = 5.0


@dataclass(frozen=True)
class Hosted:
    """What the engine must know of one specialist."""

    adapter: AdapterSource | None  #: None: not trained yet, answers with the plain base
    input_tokens: int  #: a longer prompt is refused
    answer_tokens: int  #: the most that a request may ask for


def _hosted(specialist: Specialist) -> Hosted:
    manifest = specialist.manifest
    assert manifest.decoding, "the manifest's check: engine 'transformers' says how to decode"
    source = None
    if manifest.adapter and specialist.adapter_path:
        source = AdapterSource(specialist.adapter_path, manifest.adapter.rank, manifest.adapter.alpha)
    return Hosted(source, manifest.limits.input_tokens, manifest.decoding.max_tokens)


def slot_tokens(hosted: Mapping[str, Hosted]) -> int:
    """As long as the longest prompt with its answer may be."""
    return max(each.input_tokens + each.answer_tokens for each in hosted.values())


def _digests(specialists: Sequence[Specialist], folder: Path) -> str:
    """What was checked to get here: the base when it was fetched, the adapters when the catalog was loaded."""
    base = specialists[0].manifest.base
    pinned = f"sha256 {base.sha256[:12]} as pinned" if base and base.sha256 else "no digest pinned"
    adapters = [f"{each.name} {each.manifest.adapter.sha256[:12]}" for each in specialists if each.manifest.adapter]
    return f"weights: {folder.name}, {pinned}; adapters, checked: {', '.join(adapters) or 'none'}"


def _check_memory(base: Path, hosted: Mapping[str, Hosted], slots: int, device: str) -> None:
    adapters = [each.adapter.path for each in hosted.values() if each.adapter]
    need = need_of(base, adapters, slots, slot_tokens(hosted), number_bytes(device))
    available = free_bytes(device)
    check(need, available, f"{device}'s memory")
    there = "unknown" if available is None else gib(available)
    needs = need or "unknown: neither its config nor its weights say, so nothing was checked"
    log.info("memory: needs %s; available on %s: %s", needs, device, there, extra={"action": "check"})


@dataclass
class Work:
    """Done since the start."""

    steps: int = 0
    step_s: float = 0.0
    rows: int = 0

    def add(self, seconds: float, rows: int) -> None:
        self.steps += 1
        self.step_s += seconds
        self.rows += rows


class TransformersEngine:
    name = "transformers"

    def __init__(
        self,
        base: Path,
        hosted: Mapping[str, Hosted],
        slots: int = 16,
        threads: int | None = None,
        device: str | None = None,
        step_tokens: int = 256,
        stall_s: float = 60.0,
    ) -> None:
        """`step_tokens` bounds one step: a longer prompt is fed over several, while the answers beside it go on.

        `stall_s`: without a step for so long, while there is work, it is not healthy.
        """
        if threads:
            torch.set_num_threads(threads)
        length = slot_tokens(hosted)
        adapters = {name: each.adapter for name, each in hosted.items()}
        self._hosted = dict(hosted)
        self._device = device or best_device()
        self._decoder = Decoder(base, adapters, slots, length, self._device)
        self._grammars = Grammars(self._decoder.tokenizer, self._decoder.vocabulary)
        self._end: int = self._decoder.tokenizer.eos_token_id
        self._step_tokens = step_tokens
        self._stall_s = stall_s
        self._batch = Batch(slots)
        self._waiting: deque[Row] = deque()
        self._by_id: dict[str, Row] = {}
        self._encoding = threading.Lock()  # one tokenizer refuses two callers at once
        self._changed = threading.Condition()  # guards what follows, `_waiting` and `_by_id`
        self._closed: EngineError | None = None
        self._failures = 0
        self._stepped_at = time.monotonic()
        self._work = Work()
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> TransformersEngine:
        """An engine that hosts `specialists`, all of one base, whose weights are fetched first if need be.

        Raises MemoryShort before it loads anything.
        """
        base = specialists[0].manifest.base
        assert base, "the manifest's check: engine 'transformers' names a base"
        folder = ensure(base.name, settings.weights, log.info, base.sha256)
        log.info("%s", _digests(specialists, folder), extra={"action": "check"})
        hosted, device = {each.name: _hosted(each) for each in specialists}, best_device()
        _check_memory(folder, hosted, settings.slots, device)
        return cls(folder, hosted, settings.slots, settings.threads, device, stall_s=settings.stall_s)

    # -- any thread --

    def submit(self, request: Request) -> Future[Completion]:
        try:
            row = self._row(request)
            with self._changed:
                self._accept(row)
        except EngineError as error:
            refused: Future[Completion] = Future()
            refused.set_exception(error)
            return refused
        return row.future

    def cancel(self, request_id: str) -> None:
        with self._changed:
            if row := self._by_id.get(request_id):
                row.cancelled = True

    def close(self) -> None:
        self._shut(EngineError("the engine was closed"))
        self._thread.join(LAST_STEP_S)
        if self._thread.is_alive():
            log.critical("a decoding step hangs; its thread is left behind", extra={"action": "close"})

    def healthy(self) -> bool:
        with self._changed:
            stalled = bool(self._by_id) and time.monotonic() - self._stepped_at > self._stall_s
            return self._closed is None and self._thread.is_alive() and not stalled

    def stats(self) -> EngineStats:
        with self._changed:
            running = len(self._batch)
            work = replace(self._work)
            waiting = len(self._waiting)
        return EngineStats(self._device, running, waiting, work.steps, work.step_s, work.rows)

    def _row(self, request: Request) -> Row:
        hosted = self._hosted.get(request.specialist)
        if hosted is None:
            raise EngineError(
                f"specialist {request.specialist!r} is not hosted here; hosted: {', '.join(sorted(self._hosted))}",
                retryable=False,
            )
        if not 0 < request.max_tokens <= hosted.answer_tokens:
            raise EngineError(
                f"max_tokens is {request.max_tokens}, the manifest allows 1 to {hosted.answer_tokens}", retryable=False
            )
        with self._encoding:
            prompt = encode(self._decoder.tokenizer, request.prompt)
        if not prompt:
            raise EngineError("the prompt is empty", retryable=False)
        if len(prompt) > hosted.input_tokens:
            raise PromptTooLong(len(prompt), hosted.input_tokens)
        row = Row(request, prompt, self._grammars.guide(request.grammar))
        row.look_up(time.monotonic())
        row.start()
        return row

    def _accept(self, row: Row) -> None:
        if self._closed:
            raise EngineError(str(self._closed))
        if row.request.id in self._by_id:
            raise EngineError(f"request {row.request.id!r} is in flight already", retryable=False)
        if not self._by_id:
            self._stepped_at = time.monotonic()  # an idle engine has not stalled
        self._by_id[row.request.id] = row
        self._waiting.append(row)
        self._changed.notify_all()

    def _shut(self, reason: EngineError) -> None:
        with self._changed:
            self._closed = self._closed or reason
            self._changed.notify_all()

    # -- the decoding thread --

    def _run(self) -> None:
        while self._admit():
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - whatever broke a step must reach its futures, not end the thread
                self._fail_batch(error)
            else:
                self._failures = 0
        assert self._closed
        for row in [*self._batch, *self._waiting]:
            self._leave(row, self._closed)

    def _admit(self) -> bool:
        """Wait for work and let it join the batch. False when the engine is closed."""
        with self._changed:
            while not (self._closed or self._waiting or len(self._batch)):
                self._changed.wait()
            while self._waiting and not self._batch.full:
                self._batch.join(self._waiting.popleft())
            return self._closed is None

    def _step(self) -> None:
        self._stepped_at = time.monotonic()
        self._release()
        fed = self._batch.feed(self._step_tokens)
        if not fed:
            return
        self._advance(fed)
        with self._changed:
            self._work.add(time.monotonic() - self._stepped_at, len(fed))
        self._release()

    def _advance(self, fed: Sequence[tuple[Row, Piece]]) -> None:
        """Feed the pieces, and choose the next token of each row that is fed whole."""
        whole = [row.pending == 0 for row, _ in fed]
        logits = self._decoder.feed([piece for _, piece in fed], whole)  # (whole rows, V)
        ready = [row for (row, _), all_fed in zip(fed, whole, strict=True) if all_fed]
        for row, scores in zip(ready, logits, strict=True):
            try:
                row.choose(scores, self._end)
            except GrammarError as error:
                self._leave(row, error)

    def _release(self) -> None:
        """Let everything go that has ended, was cancelled or is late; those that wait as well."""
        now = time.monotonic()
        with self._changed:
            rows = [*self._batch, *self._waiting]
        for row in rows:
            row.look_up(now)
            if row.finish:
                self._leave(row, None)

    def _leave(self, row: Row, error: EngineError | None) -> None:
        with self._changed:
            self._by_id.pop(row.request.id, None)
            self._batch.leave(row)
            if row in self._waiting:
                self._waiting.remove(row)
        if error:
            row.future.set_exception(error)
        else:
            row.future.set_result(row.completion(self._grammars.text(row.answer)))

    def _fail_batch(self, error: Exception) -> None:
        # The type alone: a message of torch or llguidance may quote what it choked on.
        name = type(error).__name__
        log.error("a decoding step raised %s\n%s", name, where(error), extra={"action": "step"})
        self._failures += 1
        if self._failures >= FAILURES_ALLOWED:  # first: who hears of the failure may ask whether we are healthy
            self._shut(EngineError(f"the engine is broken: {self._failures} steps in a row failed"))
        for row in self._batch:
            self._leave(row, EngineError(f"a decoding step failed with {name}"))
