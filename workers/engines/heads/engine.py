"""The head engine: one pass of one base for all requests, whose answers are read off. Knows no queue and no schema."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import torch

from infra.logs import where
from infra.process.allocator import keep_freed_memory
from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.heads.head import Asked, seen_of
from specialists.heads.linear.trunk import LinearTrunk
from specialists.heads.linear.words import Words
from specialists.heads.readers.reader import Read
from specialists.heads.tokens import Tokens
from specialists.heads.trunks import TrunkError, load_trunk
from specialists.heads.trunks.trunk import Text, Trunk
from specialists.manifest import LINEAR
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, EngineStats, Finish, Request
from workers.engines.build import build_of
from workers.engines.digests import log_digests
from workers.engines.heads.hosted import Hosted, hosted_of, linear_of, written
from workers.engines.heads.need import check_memory
from workers.engines.in_flight import InFlight, Ticket
from workers.engines.work import Work

log = logging.getLogger(__name__)

PASS_TOKENS = 1024  #: padded tokens of one pass: more leave the caches, and the first answer waits for them
UNEVEN = 1.3  #: the longest text of a pass may be so many times as long as the shortest, since the rest is padding
FAILURES_ALLOWED = 3  #: passes in a row that fail before the engine gives up
LAST_PASS_S = 5.0


@dataclass(eq=False)
class Waiting(Ticket):
    asked: Asked

    def __len__(self) -> int:
        return len(self.asked.reading.ids)


class HeadEngine:
    name = "heads"
    precision = "fp32"

    def __init__(
        self, trunk: Trunk, tokens: Tokens | Words, hosted: Mapping[str, Hosted], stall_s: float = 60.0
    ) -> None:
        """`stall_s`: it is not healthy without a pass for this long while there is work."""
        self._trunk, self._tokens, self._hosted = trunk, tokens, dict(hosted)
        self._views = {name: each.view for name, each in hosted.items()}
        self._in_flight: InFlight[Waiting] = InFlight(stall_s)
        self._work = Work()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="heads", daemon=True)
        self._thread.start()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> HeadEngine:
        """Specialists that share a base. Raises WeightsError or EngineError."""
        base = specialists[0].manifest.base
        assert base, "the manifest's check: a head has a base"
        if settings.threads:
            torch.set_num_threads(settings.threads)
        if base.name == LINEAR:
            log_digests(log, specialists, None)
            linear = LinearTrunk()
            return cls(linear, Words(), {each.name: linear_of(each, linear) for each in specialists}, settings.stall_s)
        folder = ensure(base.name, settings.weights, log.info, base.sha256)
        log_digests(log, specialists, folder.name)
        layers = [each.manifest.head.layers for each in specialists if each.manifest.head]
        deepest = None if None in layers else max(each for each in layers if each)
        check_memory(folder, [each.adapter_path for each in specialists if each.adapter_path], deepest)
        try:
            trunk = load_trunk(folder, deepest)
        except TrunkError as error:
            raise EngineError(str(error), retryable=False) from None
        hosted = {each.name: hosted_of(each, trunk) for each in specialists}
        if len(specialists) == 1:
            trunk.merge(specialists[0].name)
        keep_freed_memory()
        return cls(trunk.eval(), Tokens(folder), hosted, settings.stall_s)

    # -- any thread --

    def submit(self, request: Request) -> Future[Completion]:
        return self._in_flight.submit(request, self._ticket)

    def cancel(self, request_id: str) -> None:
        self._in_flight.cancel(request_id)

    def close(self) -> None:
        self._in_flight.close([self._thread], LAST_PASS_S)

    def healthy(self) -> bool:
        return self._in_flight.healthy() and self._thread.is_alive()

    def stats(self) -> EngineStats:
        with self._in_flight.changed:
            running, waiting, work = len(self._in_flight.begun()), len(self._in_flight.waiting), replace(self._work)
        return EngineStats("cpu", running, waiting, work.steps, work.step_s, work.rows)

    @property
    def build(self) -> str:
        return build_of("torch", "tokenizers")

    def _ticket(self, request: Request) -> Waiting:
        """Raises EngineError."""
        if request.specialist not in self._hosted:
            known = ", ".join(sorted(self._hosted))
            raise EngineError(f"specialist {request.specialist!r} is not hosted here; hosted: {known}", retryable=False)
        return Waiting(request, self._hosted[request.specialist].asked(self._tokens, request))

    # -- the engine's thread --

    def _run(self) -> None:
        try:
            while self._in_flight.await_work():
                batch = self._taken()
                try:
                    self._pass(batch)
                except Exception as error:  # noqa: BLE001 - whatever broke a pass must reach its futures, not end the thread
                    self._fail(batch, error)
                else:
                    self._failures = 0
        finally:
            self._in_flight.shut("the engine's thread has ended")
            self._in_flight.fail_all()

    def _taken(self) -> list[Waiting]:
        """Texts of similar lengths, among them the one that has waited longest. Ended requests leave."""
        now = time.monotonic()
        with self._in_flight.changed:
            waiting = self._in_flight.waiting
            ended = {each: finish for each in waiting if (finish := each.ended(now))}
            batch = alike([each for each in waiting if each not in ended])
            taken = {*ended, *batch}
            left = [each for each in waiting if each not in taken]
            waiting.clear()
            waiting.extend(left)
        for each, finish in ended.items():
            self._in_flight.leave(each, Completion("", finish))
        return batch

    @torch.inference_mode()
    def _pass(self, batch: Sequence[Waiting]) -> None:
        self._in_flight.step()
        began = time.monotonic()
        states = self._trunk([_text(each) for each in batch], self._views)
        for name in dict.fromkeys(each.request.specialist for each in batch):
            own = [n for n, each in enumerate(batch) if each.request.specialist == name]
            seen = seen_of([batch[n].asked for n in own], [states[n] for n in own])
            reads = self._hosted[name].head.read(seen)
            for n, read, text in zip(own, reads, written(reads), strict=True):
                self._in_flight.leave(batch[n], _completion(batch[n], read, text))
        with self._in_flight.changed:
            self._work.add(time.monotonic() - began, len(batch))

    def _fail(self, batch: Sequence[Waiting], error: Exception) -> None:
        # Only the type is told, because a message of torch may quote what it failed on.
        name = type(error).__name__
        log.error("a pass raised %s\n%s", name, where(error), extra={"action": "step"})
        self._failures += 1
        if self._failures >= FAILURES_ALLOWED:  # first, because callers that get the failure may ask for our health
            self._in_flight.shut(f"the engine is broken: {self._failures} passes in a row failed")
        for each in batch:
            self._in_flight.leave(each, EngineError(f"a pass failed with {name}"))


def alike(waiting: Sequence[Waiting]) -> list[Waiting]:
    """The texts of the next pass. The first of `waiting` is among them; others are of about its length."""
    if not waiting:
        return []
    first = len(waiting[0])
    near = sorted(waiting[1:], key=lambda each: abs(len(each) - first))
    batch, shortest, longest = [waiting[0]], first, first
    for each in near:
        low, high = min(shortest, len(each)), max(longest, len(each))
        if high > UNEVEN * low + 2 or (len(batch) + 1) * high > PASS_TOKENS:
            break
        batch.append(each)
        shortest, longest = low, high
    return batch


def _text(ticket: Waiting) -> Text:
    return Text(ticket.request.specialist, ticket.asked.reading.ids, ticket.asked.reading.text)


def _completion(ticket: Waiting, read: Read, text: str) -> Completion:
    if ticket.cancelled:
        return Completion("", Finish.CANCELLED)
    reading, top = ticket.asked.reading, ticket.request.top
    ranked = {field: pairs[:top] for field, pairs in read.ranked.items()} if top else None
    return Completion(text, Finish.STOP, len(reading.ids), cut=reading.cut, probability=read.probability, ranked=ranked)
