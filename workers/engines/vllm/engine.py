"""The vLLM engine: one thread steps vLLM, which batches. Knows no queue, no lease and no schema."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from infra.logs import where
from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.specialist import Specialist
from workers.engines import Completion, EngineError, EngineStats, Finish, Request
from workers.engines.build import build_of
from workers.engines.in_flight import InFlight
from workers.engines.intake import Intake, TextTicket
from workers.engines.limits import Hosted, hosted_of
from workers.engines.memory import available_here, check, need_of
from workers.engines.precision import fastest
from workers.engines.vllm.peft_folder import ensure_peft

log = logging.getLogger(__name__)

#: How long `close` waits for the last step.
LAST_STEP_S = 10.0

#: Tokens that vLLM's blocks of keys and values may be rounded up to.
BLOCK = 128

RANKS = (8, 16, 32, 64, 128, 256)  #: the ranks that vLLM can be told to have room for


class VllmEngine:
    name = "vllm"

    def __init__(
        self,
        base: Path,
        hosted: Mapping[str, Hosted],
        cache: Path,
        slots: int = 16,
        stall_s: float = 60.0,
    ) -> None:
        """`cache`: the folder for adapters in the form that vLLM loads.

        `stall_s`: it is not healthy without a step for this long while there is work.
        """
        if not find_spec("vllm"):
            raise EngineError(
                "engine 'vllm' needs vLLM, which is not installed here: pip install vllm, in an environment of its own "
                "(docs/engines.md says why)",
                retryable=False,
            )
        self._intake = Intake(base, hosted)
        self._slots = slots
        self._device = "cuda:0" if torch.cuda.is_available() else "cpu"
        self.precision = fastest(self._device)
        self._in_flight: InFlight[TextTicket] = InFlight(stall_s)
        self._working: dict[str, TextTicket] = {}  # what vLLM works on, by request id; only its thread uses this
        self._done = EngineStats(self._device)
        loaded: Future[None] = Future()
        load = partial(_load, base, hosted, slots, self._device)
        self._adapters = _adapters(hosted, cache)
        self._thread = threading.Thread(target=self._run, args=(load, loaded), name="vllm", daemon=True)
        self._thread.start()
        loaded.result()

    @classmethod
    def create(cls, specialists: Sequence[Specialist], settings: Settings) -> VllmEngine:
        """An engine that hosts `specialists`, all of one base, whose weights are fetched first if need be."""
        base = specialists[0].manifest.base
        assert base, "the manifest's check: engine 'vllm' names a base"
        folder = ensure(base.name, settings.weights, log.info, base.sha256)
        hosted = {each.name: hosted_of(each) for each in specialists}
        return cls(folder, hosted, settings.weights / "peft", settings.slots, settings.stall_s)

    # -- any thread --

    def submit(self, request: Request) -> Future[Completion]:
        return self._in_flight.submit(request, self._intake.take)

    def cancel(self, request_id: str) -> None:
        self._in_flight.cancel(request_id)

    def close(self) -> None:
        self._in_flight.close([self._thread], LAST_STEP_S)

    def healthy(self) -> bool:
        return self._in_flight.healthy() and self._thread.is_alive()

    def stats(self) -> EngineStats:
        with self._in_flight.changed:
            running = min(len(self._in_flight), self._slots)
            return replace(self._done, running=running, waiting=len(self._in_flight) - running)

    @property
    def build(self) -> str:
        return build_of("vllm", "torch", "llguidance")

    # -- vLLM's thread --

    def _run(self, load: Callable[[], Any], loaded: Future[None]) -> None:
        try:
            self._llm = load()
            loaded.set_result(None)
        except EngineError as error:
            loaded.set_exception(error)
            return
        except Exception as error:  # noqa: BLE001 - raised where the engine is made
            loaded.set_exception(EngineError(f"vLLM did not start: {error}", retryable=False))
            return
        while self._admit():
            try:
                self._step()
            except Exception as error:  # noqa: BLE001 - vLLM does not go on after it: whoever waits must hear of it
                # Only the type is told, because a message may quote the request.
                log.error("vLLM raised %s\n%s", type(error).__name__, where(error), extra={"action": "step"})
                self._in_flight.shut(f"the engine is broken: vLLM failed with {type(error).__name__}")
        self._in_flight.fail_all()
        self._llm.engine_core.shutdown()

    def _admit(self) -> bool:
        """Wait for work and hand it on. Returns False when the engine is closed."""
        if not self._in_flight.await_work():
            return False
        with self._in_flight.changed:
            new = list(self._in_flight.waiting)
            self._in_flight.waiting.clear()
        for ticket in new:
            self._add(ticket)
        return True

    def _add(self, ticket: TextTicket) -> None:
        from vllm import TokensPrompt

        if finish := ticket.ended(time.monotonic()):
            self._in_flight.leave(ticket, ticket.completion(finish))
            return
        try:
            self._llm.add_request(
                ticket.request.id,
                TokensPrompt(prompt_token_ids=ticket.prompt),
                _sampling(ticket),
                lora_request=self._adapters.get(ticket.request.specialist),
            )
        except ValueError as error:  # vLLM refuses the request; the message may quote it
            refusal = EngineError(f"vLLM refused the request with {type(error).__name__}", retryable=False)
            self._in_flight.leave(ticket, refusal)
        else:
            self._working[ticket.request.id] = ticket

    def _step(self) -> None:
        self._release()
        if not self._working:
            return
        began = time.monotonic()
        outputs = self._llm.step()
        took_s = time.monotonic() - began
        self._in_flight.step()
        with self._in_flight.changed:
            done = self._done
            self._done = replace(done, steps=done.steps + 1, step_s=done.step_s + took_s, rows=done.rows + len(outputs))
        for said in outputs:
            if ticket := self._working.get(said.request_id):
                self._take(ticket, said)

    def _take(self, ticket: TextTicket, said: Any) -> None:
        """Add what is new to the answer."""
        (new,) = said.outputs
        ticket.pieces.append(new.text)
        ticket.chosen += len(new.token_ids)
        ticket.reused = said.num_cached_tokens or ticket.reused
        if said.finished:
            finish = Finish.STOP if new.finish_reason == "stop" else Finish.LENGTH
            self._leave(ticket, ticket.completion(finish))

    def _release(self) -> None:
        """Let requests go that were cancelled or are late."""
        now = time.monotonic()
        for ticket in list(self._working.values()):
            if finish := ticket.ended(now):
                self._llm.abort_request([ticket.request.id])
                self._leave(ticket, ticket.completion(finish))

    def _leave(self, ticket: TextTicket, end: Completion) -> None:
        del self._working[ticket.request.id]
        self._in_flight.leave(ticket, end)


def _load(base: Path, hosted: Mapping[str, Hosted], slots: int, device: str) -> Any:
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.engine.llm_engine import LLMEngine
    from vllm.v1.executor import Executor

    config = EngineArgs(**_options(base, hosted, slots, device)).create_engine_config()
    # Its scheduler runs in this process and thread, so that a cancel or a deadline is checked before every step.
    return LLMEngine(config, Executor.get_class(config), log_stats=False, multiprocess_mode=False)


def _options(base: Path, hosted: Mapping[str, Hosted], slots: int, device: str) -> dict[str, Any]:
    length = max(each.tokens for each in hosted.values()) + 1
    dtype = fastest(device).dtype
    adapters = [each.adapter for each in hosted.values() if each.adapter]
    options: dict[str, Any] = {
        "model": str(base),
        "dtype": str(dtype).removeprefix("torch."),
        "max_model_len": length,
        "max_num_seqs": slots,
        "enable_prefix_caching": True,
        "generation_config": "vllm",  # decoding is greedy as we ask, whatever the base's own file says
        "structured_outputs_config": {"backend": "guidance"},  # llguidance, as in our other engines
        "enforce_eager": device == "cpu",  # compiling takes minutes on a CPU
        "disable_log_stats": True,
    }
    if adapters:
        rank = max(adapter.rank for adapter in adapters)
        options |= {
            "enable_lora": True,
            "max_loras": len(adapters),
            "max_lora_rank": next(room for room in RANKS if room >= rank),
        }
    need = need_of(base, [adapter.path for adapter in adapters], slots, -(-length // BLOCK) * BLOCK, dtype.itemsize)
    if need:
        check(need, _free(device), f"{device}'s memory")
        options["kv_cache_memory_bytes"] = need.slots_bytes
    return options


def _free(device: str) -> int | None:
    return available_here() if device == "cpu" else torch.cuda.mem_get_info()[0]


def _adapters(hosted: Mapping[str, Hosted], cache: Path) -> dict[str, Any]:
    """Specialist -> the object by which vLLM knows its adapter."""
    from vllm.lora.request import LoRARequest

    adapters = {name: each.adapter for name, each in hosted.items() if each.adapter}
    return {
        name: LoRARequest(name, number, str(ensure_peft(adapter, cache)))
        for number, (name, adapter) in enumerate(adapters.items(), 1)
    }


def _sampling(ticket: TextTicket) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    return SamplingParams(
        temperature=0,
        max_tokens=ticket.most,
        output_kind=RequestOutputKind.DELTA,
        structured_outputs=StructuredOutputsParams(grammar=ticket.grammar),
    )
