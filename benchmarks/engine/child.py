"""A contender in a process of its own: an engine without a queue. It reads lines of JSON and writes lines of JSON.

    python -m benchmarks.engine.child KIND SPECIALIST[,…] OPTIONS

It reads `{"inputs": […]}` and answers `{"seconds": …, "texts": […], "tokens": …, …}`; the first specialist is asked. A
text is null if the answer came to no end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from transformers import AutoTokenizer

from benchmarks.engine.written import load_written
from infra.settings import Settings
from specialists.bases.model import encode
from specialists.bases.weights import ensure
from specialists.schemas import Json
from specialists.specialist import Specialist
from workers.engines import Engine, EngineError, Finish
from workers.engines.limits import hosted_of
from workers.engines.precision import Precision
from workers.engines.transformers.techniques import Techniques
from workers.requests import request_for

Row = dict[str, Any]
Ask = Callable[[Sequence[Json]], Row]

#: The best number of slots for llama.cpp on triage, command and entities, of 4 to 64 (docs/engines.md).
LLAMA_SLOTS = 16

#: Times as many tokens are allowed for JSON, which has names and quotes beside the answer itself.
JSON_TOKENS = 3

#: Sizes of generate_batch's cache, and tokens of one step: the best of five tried on triage, 20 to 29 jobs/s (2026-11).
PAGE_TOKENS, PAGES, STEP_TOKENS = 128, 128, 512


def main() -> None:
    kind, names, options = sys.argv[1], sys.argv[2].split(","), json.loads(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")  # standard output is kept for answers, since libraries print too
    os.dup2(2, 1)
    ask = KINDS[kind]([load_written(name) for name in names], options)
    for line in sys.stdin:
        print(json.dumps(ask(json.loads(line)["inputs"])), file=answers, flush=True)


def ours(specialists: Sequence[Specialist], options: Row) -> Ask:
    """Our engine. `options`: names of the arguments of TransformersEngine and Techniques."""
    from workers.engines.transformers.engine import TransformersEngine

    base, techniques = folder_of(specialists[0]), Techniques(**options.get("techniques", {}))
    precision = Precision(options["precision"]) if "precision" in options else None
    hosted = {each.name: hosted_of(each) for each in specialists}
    threads = Settings().threads
    engine = TransformersEngine(base, hosted, options["slots"], threads, precision=precision, techniques=techniques)
    return asked_of(engine, specialists[0])


def llama_cpp(specialists: Sequence[Specialist], options: Row) -> Ask:
    """llama.cpp's server (xllamacpp) run by our engine of that name, with the specialist's grammar."""
    from workers.engines.llama_cpp.engine import LlamaCppEngine

    settings = Settings().model_copy(update={"slots": options.get("slots", LLAMA_SLOTS)})
    return asked_of(LlamaCppEngine.create(specialists, settings), specialists[0])


def asked_of(engine: Engine, specialist: Specialist) -> Ask:
    """Ask an engine for all inputs at once; `steps` and the like count this round only."""

    def ask(inputs: Sequence[Json]) -> Row:
        before, started = engine.stats(), time.monotonic()
        futures = [engine.submit(request_for(specialist, input, str(n))) for n, input in enumerate(inputs)]
        found = []
        for future in futures:
            try:
                found.append(future.result())
            except EngineError as error:
                print(error, file=sys.stderr)
        seconds, after = time.monotonic() - started, engine.stats()
        assert len(found) == len(inputs), "an engine refused what it was asked"
        return {
            "seconds": seconds,
            "texts": [each.text if each.finish is Finish.STOP else None for each in found],
            "tokens": sum(each.tokens_out for each in found),
            "tokens_in": sum(each.tokens_in for each in found),
            "forced": sum(each.forced for each in found),
            "reused": sum(each.reused for each in found),
            "steps": after.steps - before.steps,
            "rows": after.rows - before.rows,
        }

    return ask


def llama_json(specialists: Sequence[Specialist], _: Row) -> Ask:
    """llama.cpp's server with the output's JSON Schema as `json_schema`, asked by as many threads as it has slots."""
    import xllamacpp

    from workers.engines.llama_cpp.gguf_file import Quantisation, ensure_gguf
    from workers.engines.llama_cpp.server import options_for

    (specialist,) = specialists
    settings, base, hosted = Settings(), folder_of(specialist), hosted_of(specialist)
    weights = ensure_gguf(base, hosted.adapter, Quantisation.Q8_0, settings.weights / "gguf")
    server = xllamacpp.Server(options_for(weights, LLAMA_SLOTS, hosted, settings.threads))
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)

    def complete(input: Json) -> Row:
        said: list[Row] = []
        question = {
            "prompt": encode(tokenizer, specialist.render(input)),
            "json_schema": specialist.output_schema,
            "max_tokens": JSON_TOKENS * hosted.answer_tokens,
            "temperature": 0,
        }
        server.handle_completions(question, said.append)
        return said[-1]

    def ask(inputs: Sequence[Json]) -> Row:
        started = time.monotonic()
        with ThreadPoolExecutor(LLAMA_SLOTS) as threads:
            found = list(threads.map(complete, inputs))
        seconds = time.monotonic() - started
        tokens = sum(each["usage"]["completion_tokens"] for each in found)
        return {"seconds": seconds, "texts": [written(specialist, each) for each in found], "tokens": tokens}

    return ask


def written(specialist: Specialist, said: Row) -> str | None:
    """Rewrite an answer in JSON as the specialist would write it; None if it is no valid output."""
    try:
        return specialist.format.write(json.loads(said["choices"][0]["text"]))
    except (ValueError, KeyError, TypeError):
        return None


def generate_batch(specialists: Sequence[Specialist], _: Row) -> Ask:
    """transformers' own continuous batching: the merged model, greedy, in the precision that is fastest here."""
    from transformers import ContinuousBatchingConfig, GenerationConfig

    from benchmarks.peer_model import load, text_of

    specialist, model, tokenizer = load(specialists[0].name)
    model.set_attn_implementation("sdpa")  # flash attention replaces it if available
    end = tokenizer.eos_token_id
    greedy = GenerationConfig(
        max_new_tokens=specialist.answer_tokens, do_sample=False, eos_token_id=end, pad_token_id=end
    )
    batching = ContinuousBatchingConfig(page_size=PAGE_TOKENS, num_blocks=PAGES, max_batch_tokens=STEP_TOKENS)

    def ask(inputs: Sequence[Json]) -> Row:
        started = time.monotonic()
        prompts = [encode(tokenizer, specialist.render(input)) for input in inputs]
        found = model.generate_batch(prompts, generation_config=greedy, continuous_batching_config=batching)
        answers = [found[id].generated_tokens for id in sorted(found, key=lambda id: int(id.rsplit("_", 1)[1]))]
        texts = [text_of(tokenizer, tokens, specialist.answer_tokens) for tokens in answers]
        return {"seconds": time.monotonic() - started, "texts": texts, "tokens": sum(map(len, answers))}

    return ask


def folder_of(specialist: Specialist) -> Any:
    assert specialist.manifest.base
    return ensure(specialist.manifest.base.name, Settings().weights)


KINDS: dict[str, Callable[[Sequence[Specialist], Row], Ask]] = {
    "ours": ours,
    "llama.cpp": llama_cpp,
    "llama.cpp json_schema": llama_json,
    "generate_batch": generate_batch,
}

if __name__ == "__main__":
    main()
