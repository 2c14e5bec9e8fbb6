"""llama.cpp's own server, in this process: token ids in, pieces of text out. Knows no specialists and no futures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import xllamacpp

from workers.engines import EngineError
from workers.engines.limits import Hosted

#: This comes before a grammar for llguidance, because llama.cpp has an older kind of grammar of its own.
HEAD = "%llguidance {}\n"

#: Up to this many tokens, requests keep their keys and values in one buffer and are computed together, whatever their
#: lengths. Beyond it, skipping the others' keys costs more than it saves, so each request has a buffer of its own. Jobs
#: per second with one buffer and with several (2 cores, Q8_0, xllamacpp 2026.10, 2026-11): triage 19.0 and 14.6 in 32
#: slots, command 7.5 and 6.5 in 16, entities 5.4 and 4.6 in 16; receipt, of 417 tokens on average, 1.6 and 2.0 in 8.
SHORT_PROMPT = 1024

QUIET = -1  #: what the server logs of a request may quote it


@dataclass(frozen=True)
class Whole:
    """How an answer ended, if it was not stopped."""

    reason: str  #: "stop" if the end of sequence was chosen, or "length"
    tokens: int  #: tokens that were chosen, with the end of sequence
    reused: int  #: tokens of the prompt that were computed earlier


class LlamaServer:
    """Takes as many calls of `complete` at a time as it has slots; each call comes from a thread of its own."""

    def __init__(self, weights: Path, slots: int, hosted: Hosted, threads: int | None) -> None:
        try:
            self._server = xllamacpp.Server(options_for(weights, slots, hosted, threads))
        except RuntimeError as error:
            raise EngineError(f"llama.cpp does not load {weights}: {error}", retryable=False) from error

    def complete(self, prompt: list[int], grammar: str, max_tokens: int, wanted: Callable[[str], bool]) -> Whole | None:
        """`grammar` must be one that llguidance takes: with any other one, llama.cpp would go on without a grammar.

        `wanted` is given each piece as it comes, and says whether to go on. If it says no, the result is None.
        Raises EngineError.
        """
        said: list[Mapping[str, Any]] = []
        stopped = False

        def take(said_now: Mapping[str, Any]) -> bool:  # True stops the answer. What this raised would be lost
            nonlocal stopped
            if "error" in said_now or said_now["choices"][0]["finish_reason"]:
                said.append(said_now)
            else:
                stopped = not wanted(said_now["choices"][0]["text"])
            return stopped

        self._server.handle_completions(_question(prompt, grammar, max_tokens), take)
        if stopped:
            return None
        if not said:
            raise EngineError("llama.cpp ended without an answer")
        return _read(said[-1])


def _question(prompt: list[int], grammar: str, max_tokens: int) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "grammar": HEAD + grammar,
        "max_tokens": max_tokens,
        "temperature": 0,
        "stream": True,
    }


def _read(said: Mapping[str, Any]) -> Whole:
    if "error" in said:
        # Only the kind is told, because the message may quote the request.
        raise EngineError(f"llama.cpp refused the request: {said['error']['type']}")
    usage = said["usage"]
    return Whole(
        said["choices"][0]["finish_reason"],
        usage["completion_tokens"],
        usage["prompt_tokens_details"]["cached_tokens"],
    )


def options_for(weights: Path, slots: int, hosted: Hosted, threads: int | None) -> Any:
    options = xllamacpp.CommonParams()
    options.model.path = str(weights)
    options.n_parallel = slots
    # The additional token is the end of sequence, which must be chosen even if the answer may be no longer.
    options.n_ctx = slots * (hosted.tokens + 1)
    options.kv_unified = hosted.input_tokens <= SHORT_PROMPT
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = threads or len(os.sched_getaffinity(0))
    options.fit_params = False  # it loads as asked, or not at all
    options.cache_ram_mib = 0  # each slot keeps its last prompt; without this, replaced ones would take up to 8 GiB
    options.warmup = False  # a worker measures itself with the specialist's own examples
    options.verbosity = QUIET
    # The server also listens on a random port of this machine. Nobody knows its key, and nothing else is shown there.
    options.api_keys = [token_hex()]
    options.endpoint_slots = options.ui = False
    options.n_threads_http = 1
    return options


def device() -> str:
    """The first device that is no CPU, which llama.cpp uses if its build knows it; otherwise "cpu"."""
    names: list[str] = [each["name"] for each in xllamacpp.get_device_info()]
    return next((name for name in names if name != "CPU"), "cpu")
