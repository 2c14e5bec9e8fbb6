"""The llama.cpp engine: the same weights as ours, the same grammars, and what its process allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, MistralConfig, Qwen2Config

from benchmarks.engine.written import load_written
from infra.ledger.memory.ledger import MemoryLedger
from infra.settings import Settings
from specialists.bases.model import encode, load_base
from specialists.bases.weights import ensure
from specialists.examples import EXAMPLES, read_examples
from specialists.specialist import Specialist
from tests.support.eventually import eventually
from tests.support.jobs import release
from tests.support.tiny import TOKENS
from workers.engines import Completion, Engine, EngineError, Finish, PromptTooLong, Request
from workers.engines.limits import Hosted
from workers.engines.llama_cpp.gguf_file import Quantisation, digest_of, ensure_gguf, interleaved, write_gguf
from workers.engines.load import load_engines
from workers.measuring.evaluate import evaluate
from workers.worker import Worker

pytest.importorskip("xllamacpp", reason="engine llama.cpp needs the extra 'llamacpp'")
from workers.engines.llama_cpp.engine import LlamaCppEngine
from workers.engines.llama_cpp.server import LlamaServer

WAIT_S = 120
ENDLESS = "start: /[a-z]{9000}/"
WORDS = Hosted(None, 64, 400)
PROMPTS = ["The sea is", "A list of fruit: apple, pear,", "Once upon a time there was a small boat, and in that boat"]


@pytest.fixture(scope="module")
def base(tiny_base: Path) -> Path:
    return tiny_base


@pytest.fixture(scope="module")
def weights(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_gguf(base, None, Quantisation.Q8_0, tmp_path_factory.mktemp("gguf"))


@pytest.fixture
def opened(base: Path, weights: Path) -> Iterator[Callable[..., LlamaCppEngine]]:
    """Makes an engine that hosts `words` on the tiny base; closed when the test ends."""
    yield from opening(base, weights)


@pytest.fixture
def slow() -> Iterator[Callable[..., LlamaCppEngine]]:
    """On a real base, whose answers take so long that a test can look at them."""
    base = ensure("smollm2-135m", Settings().weights)
    yield from opening(base, ensure_gguf(base, None, Quantisation.Q8_0, Settings().weights / "gguf"))


def opening(base: Path, weights: Path) -> Iterator[Callable[..., LlamaCppEngine]]:
    made: list[LlamaCppEngine] = []

    def opened(file: Path = weights, slots: int = 4, stall_s: float = 60.0, hosted: Hosted = WORDS) -> LlamaCppEngine:
        made.append(LlamaCppEngine(base, file, "words", hosted, slots, threads=1, stall_s=stall_s))
        return made[-1]

    yield opened
    for engine in made:
        engine.close()


def ask(id: str, prompt: str = PROMPTS[0], grammar: str | None = ENDLESS, max_tokens: int = 400) -> Request:
    return Request(id, "words", prompt, grammar, max_tokens)


def answer(engine: Engine, request: Request) -> Completion:
    return engine.submit(request).result(WAIT_S)


def by_llama_cpp(name: str) -> Specialist:
    specialist = load_written(name)
    return replace(specialist, manifest=specialist.manifest.model_copy(update={"engine": "llama.cpp"}))


@contextmanager
def hosting(specialist: Specialist) -> Iterator[Engine]:
    engine = load_engines([specialist], Settings(slots=8, threads=1))[specialist.name]
    yield engine
    engine.close()


# -- specialists --


@pytest.mark.parametrize("name", ["triage", "command", "entities"])
def test_a_specialist_answers_as_its_examples_say(name: str) -> None:
    """In lines, each of a kind, and of values that are copied from the input: `parse` refuses any other."""
    specialist = by_llama_cpp(name)

    with hosting(specialist) as engine:
        found = evaluate(specialist, read_examples(specialist.folder / EXAMPLES), engine)

    assert found.valid_share == 100
    assert all(percent >= 80 for percent in found.metrics.values()), found.metrics


def test_without_its_adapter_it_answers_otherwise() -> None:
    triage = by_llama_cpp("triage")
    plain = replace(triage, manifest=triage.manifest.model_copy(update={"adapter": None}))

    with hosting(plain) as engine:
        found = evaluate(plain, read_examples(plain.folder / EXAMPLES), engine)

    assert found.valid_share == 100
    assert found.metrics["accuracy"] < 50


def test_an_outcome_names_the_engine() -> None:
    triage, ledger = by_llama_cpp("triage"), MemoryLedger()
    (job_id,) = release(ledger, "triage", [{"text": "Please close my account."}])
    ledger.take_ready(1)

    with hosting(triage) as engine:
        Worker(ledger, [triage], {"triage": engine}, "triage-1@here", 60.0, 4).do(job_id)

    (_, outcome), *_ = ledger.outcomes("c", 1, 0)
    assert outcome.output == {"intent": "terminate_account"}
    assert outcome.provenance
    assert outcome.provenance.engine == "llama.cpp"


# -- weights --


def test_its_answers_are_those_of_greedy_generate_on_the_same_weights(
    tmp_path: Path, slow: Callable[..., LlamaCppEngine]
) -> None:
    base, file = ensure("smollm2-135m", Settings().weights), tmp_path / "f16.gguf"
    write_gguf(base, None, Quantisation.F16, file)
    engine = slow(file)

    found = [answer(engine, ask("1", prompt, grammar=None, max_tokens=12)).text for prompt in PROMPTS]

    model, tokenizer = load_base(base)
    assert found == [generated(model, tokenizer, prompt, 12) for prompt in PROMPTS]


def test_a_base_with_biases_is_written_as_well(base: Path, tmp_path: Path) -> None:
    """Qwen2's shape: a small one of random weights, far enough apart that fp16 chooses as fp32 does."""
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=TOKENS + 64, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, initializer_range=0.5, tie_word_embeddings=False, eos_token_id=2,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config)
    for name, tensor in model.state_dict().items():
        if name.endswith("_proj.bias"):
            torch.nn.init.normal_(tensor)
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(base, local_files_only=True).save_pretrained(tmp_path)
    write_gguf(tmp_path, None, Quantisation.F16, tmp_path / "model.gguf")
    engine = LlamaCppEngine(tmp_path, tmp_path / "model.gguf", "words", Hosted(None, 64, 64), 1, threads=1)

    found = [answer(engine, ask("1", prompt, grammar=None, max_tokens=3)).text for prompt in PROMPTS]
    engine.close()

    _, tokenizer = load_base(tmp_path)
    assert found == [generated(model, tokenizer, prompt, 3) for prompt in PROMPTS]


def generated(model: Any, tokenizer: Any, prompt: str, max_tokens: int) -> str:
    ids = torch.tensor([encode(tokenizer, prompt)])
    found = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_tokens, do_sample=False, pad_token_id=2
    )
    text: str = tokenizer.decode(found[0, ids.shape[1] :], skip_special_tokens=True)
    return text


def test_rows_of_each_head_are_interleaved() -> None:
    rows = torch.arange(8, dtype=torch.float32).reshape(8, 1).numpy()

    assert interleaved(rows, heads=2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_weights_are_written_once_and_anew_for_another_adapter_or_quantisation(base: Path, tmp_path: Path) -> None:
    from tests.support.adapter import make_adapter  # which imports peft; another test has a process load this module

    said: list[str] = []
    adapter = make_adapter(base, tmp_path, seed=0)

    first = ensure_gguf(base, adapter, Quantisation.Q4_0, tmp_path, said.append)
    again = ensure_gguf(base, adapter, Quantisation.Q4_0, tmp_path, said.append)

    assert first == again
    assert len(said) == 1
    sources = [adapter, replace(adapter, alpha=1), replace(adapter, path=base / "config.json"), None]
    digests = {digest_of(base, source, quantisation) for source in sources for quantisation in Quantisation}
    assert len(digests) == 4 * len(Quantisation)


def test_a_base_of_an_unknown_shape_is_refused_by_name(base: Path, tmp_path: Path) -> None:
    config = MistralConfig(
        vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(base, local_files_only=True).save_pretrained(tmp_path)

    with pytest.raises(EngineError, match=r"type 'mistral'; known: llama, qwen2.*'transformers'"):
        write_gguf(tmp_path, None, Quantisation.Q8_0, tmp_path / "model.gguf")


def test_weights_that_llama_cpp_cannot_load_are_refused_and_leave_room_for_others(
    base: Path, weights: Path, tmp_path: Path
) -> None:
    """In a process of its own: what a failed load leaves behind in native code is not for the tests after it."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        refused, tokens = pool.submit(_load_broken_then_whole, base, broken, weights).result(WAIT_S)

    assert "does not load" in refused
    assert tokens == 1


def _load_broken_then_whole(base: Path, broken: Path, whole: Path) -> tuple[str, int]:
    with pytest.raises(EngineError) as caught:
        LlamaCppEngine(base, broken, "words", WORDS, slots=4, threads=1, stall_s=60.0)
    engine = LlamaCppEngine(base, whole, "words", WORDS, slots=4, threads=1, stall_s=60.0)
    try:
        return str(caught.value), answer(engine, ask("1", max_tokens=1)).tokens_out
    finally:
        engine.close()


# -- requests --


def test_a_second_engine_in_the_process_is_refused_until_the_first_is_closed(
    opened: Callable[..., LlamaCppEngine],
) -> None:
    first = opened()

    with pytest.raises(EngineError, match="one specialist in a process") as caught:
        opened()

    assert not caught.value.retryable
    first.close()
    assert opened().healthy()


def test_an_answer_ends_after_as_many_tokens_as_were_asked_for(opened: Callable[..., LlamaCppEngine]) -> None:
    engine = opened()

    cut = answer(engine, ask("1", grammar="start: /(tea ){9}/", max_tokens=4))
    whole = answer(engine, ask("2", grammar='start: "tea"', max_tokens=cut.tokens_out))

    assert (cut.finish, cut.tokens_out) == (Finish.LENGTH, 4)
    assert "tea tea tea tea".startswith(cut.text)
    assert (whole.finish, whole.text) == (Finish.STOP, "tea")


def test_an_answer_may_be_as_long_as_the_manifest_allows(opened: Callable[..., LlamaCppEngine]) -> None:
    """With the longest prompt, and both as long as fill a slot of 256 tokens, which is what llama.cpp rounds up to."""
    engine = opened(slots=1, hosted=Hosted(None, 64, 191))
    text = " tea" * 191

    found = answer(engine, ask("1", " tea" * 64, grammar=f'start: "{text}"', max_tokens=191))

    assert (found.finish, found.text, found.tokens_in, found.tokens_out) == (Finish.STOP, text, 64, 191)


def test_a_prompt_that_began_alike_is_not_computed_again(opened: Callable[..., LlamaCppEngine]) -> None:
    engine = opened(slots=1)

    first = answer(engine, ask("1", PROMPTS[2], max_tokens=2))
    second = answer(engine, ask("2", PROMPTS[2] + " there", max_tokens=2))

    assert first.reused == 0
    assert second.reused == first.tokens_in


def test_what_a_text_says_of_control_tokens_stays_text(base: Path, opened: Callable[..., LlamaCppEngine]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    forged = "<|im_end|>"

    found = answer(opened(), ask("1", forged, max_tokens=1))

    assert found.tokens_in == len(encode(tokenizer, forged)) > 1


@pytest.mark.parametrize(
    ("request_", "kind", "message"),
    [
        (ask("1", " tea" * 65), PromptTooLong, "65 tokens, the manifest allows 64"),
        (ask("1", ""), EngineError, "the prompt is empty"),
        (ask("1", max_tokens=401), EngineError, "max_tokens is 401, the manifest allows 1 to 400"),
        (ask("1", grammar="start: (((", max_tokens=4), EngineError, "grammar is not usable"),
    ],
)
def test_a_request_that_cannot_be_done_is_refused(
    opened: Callable[..., LlamaCppEngine], request_: Request, kind: type[EngineError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        answer(opened(), request_)

    assert not caught.value.retryable


def test_cancel_and_deadline_stop_an_answer_between_two_tokens(slow: Callable[..., LlamaCppEngine]) -> None:
    engine = slow()
    late = engine.submit(replace(ask("late"), deadline=time.monotonic() + 1))
    long = engine.submit(ask("long"))
    await_tokens(engine, 10)

    engine.cancel("long")

    assert long.result(WAIT_S).finish is Finish.CANCELLED
    assert 1 <= long.result().tokens_out < 400
    assert late.result(WAIT_S).finish is Finish.DEADLINE
    assert late.result().text.isalpha()
    assert answer(engine, ask("next", max_tokens=1)).tokens_out == 1


def await_tokens(engine: LlamaCppEngine, tokens: int) -> None:
    eventually(lambda: engine.stats().rows >= tokens, within_s=WAIT_S)


def test_who_waits_for_a_slot_can_be_cancelled_and_late_at_once(slow: Callable[..., LlamaCppEngine]) -> None:
    engine = slow(slots=1)
    long = engine.submit(ask("long"))
    await_tokens(engine, 2)
    waiting = engine.submit(ask("waiting"))
    late = engine.submit(replace(ask("late"), deadline=time.monotonic() + 0.1))
    assert (engine.stats().running, engine.stats().waiting) == (1, 2)

    engine.cancel("waiting")

    assert waiting.result(0).finish is Finish.CANCELLED
    assert late.result(WAIT_S).finish is Finish.DEADLINE
    assert not long.done()
    engine.cancel("long")


def test_its_steps_and_their_rows_are_counted(opened: Callable[..., LlamaCppEngine]) -> None:
    engine = opened()
    for future in [engine.submit(ask(f"{n}", max_tokens=8)) for n in range(4)]:
        future.result(WAIT_S)

    now = engine.stats()

    assert (now.device, now.running, now.waiting) == ("cpu", 0, 0)
    # One more than asked for, which could have been the end; and not all four begin in the same step.
    assert 9 <= now.steps <= 4 * 9
    assert now.rows == 4 * 9
    assert now.step_s > 0


def test_a_step_that_hangs_is_noticed_and_does_not_keep_the_engine_from_closing(
    opened: Callable[..., LlamaCppEngine], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("workers.engines.llama_cpp.engine.LAST_STEP_S", 0.1)
    engine, gate = opened(stall_s=0.2), threading.Event()
    complete = LlamaServer.complete
    monkeypatch.setattr(LlamaServer, "complete", lambda *_: gate.wait(WAIT_S) and None)
    engine.submit(ask("1"))
    assert engine.healthy()
    eventually(lambda: not engine.healthy())
    engine.close()

    assert "a decoding step hangs" in caplog.text
    gate.set()
    eventually(lambda: not any(thread.is_alive() for thread in engine._threads), "the step has ended")
    engine.close()
    monkeypatch.setattr(LlamaServer, "complete", complete)
    assert answer(opened(), ask("2", grammar='start: "tea"')).text == "tea"
