"""The transformers engine: what a batch, a grammar and an adapter must not change.

On a tiny base of random weights, which hides no difference; on the real one where its own words and bits matter.
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file, save_file

from infra.settings import Settings
from specialists.bases.model import encode, load_base
from specialists.bases.weights import ensure
from tests.support.adapter import ALPHA, RANK, make_adapter, peft_model
from tests.support.eventually import eventually
from tests.support.tiny import INNER
from workers.engines import Completion, EngineError, Finish, PromptTooLong, Request
from workers.engines.adapters import AdapterError, AdapterSource
from workers.engines.grammar import GrammarError, Guide
from workers.engines.in_flight import InFlight
from workers.engines.limits import Hosted
from workers.engines.mask import Mask
from workers.engines.precision import Precision
from workers.engines.transformers.decoder import Decoder
from workers.engines.transformers.engine import FAILURES_ALLOWED, TransformersEngine
from workers.engines.transformers.grouping import Piece
from workers.engines.transformers.linear import can_pack
from workers.engines.transformers.techniques import Techniques

WAIT_S = 120
LONG = Hosted(None, 128, 4000)  #: for an answer that goes on while a test looks at it
WORDS = "start: /[a-z ,.]{900}/"  # never whole: an answer has as many tokens as were asked for
PROMPTS = [
    "The sea is",
    "A list of fruit: apple, pear,",
    "Once upon a time there was a small boat, and in that boat there lived",
    "Dear Sir or Madam, I write to you because my card has been declined three times today, and nobody",
    "One, two, three,",
]


@pytest.fixture(scope="module")
def base(tiny_base: Path) -> Path:
    return tiny_base


@pytest.fixture(scope="module")
def real() -> Path:
    return ensure("smollm2-135m", Settings().weights)


@pytest.fixture(scope="module")
def engine(base: Path) -> Iterator[TransformersEngine]:
    """In fp32, whose answers can be held against those of others."""
    yield from opened(base)


@pytest.fixture(scope="module")
def real_engine(real: Path) -> Iterator[TransformersEngine]:
    yield from opened(real)


def opened(base: Path) -> Iterator[TransformersEngine]:
    engine = TransformersEngine(base, {"words": Hosted(None, 128, 256)}, slots=8, precision=Precision.FP32)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def adapters(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, AdapterSource]:
    """Two adapters that change the base's answers, each in its own way."""
    return {name: make_adapter(base, tmp_path_factory.mktemp(name), seed) for seed, name in enumerate(["red", "blue"])}


def ask(id: str, prompt: str, specialist: str = "words", grammar: str | None = WORDS, max_tokens: int = 12) -> Request:
    return Request(id, specialist, prompt, grammar, max_tokens)


def answers(engine: TransformersEngine, requests: list[Request]) -> list[Completion]:
    futures = [engine.submit(request) for request in requests]
    return [future.result(WAIT_S) for future in futures]


def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(base: Path) -> None:
    nothing_kept = Techniques(prefix_bytes=0)
    engine = TransformersEngine(
        base, {"words": Hosted(None, 128, 256)}, slots=8, precision=Precision.FP32, techniques=nothing_kept
    )
    alone = [answers(engine, [ask("alone", prompt)])[0] for prompt in PROMPTS]

    together = answers(engine, [ask(f"{n}", prompt) for n, prompt in enumerate(PROMPTS)])
    engine.close()

    assert [completion.reused for completion in together] == [0] * len(PROMPTS)
    assert [completion.text for completion in together] == [completion.text for completion in alone]


def test_without_a_grammar_the_answer_is_that_of_greedy_generate(real_engine: TransformersEngine, real: Path) -> None:
    model, tokenizer = load_base(real)
    expected = [generated(model, tokenizer, prompt, 12) for prompt in PROMPTS]

    found = answers(real_engine, [ask(f"{n}", prompt, grammar=None) for n, prompt in enumerate(PROMPTS)])

    assert [completion.text for completion in found] == expected


def generated(model: Any, tokenizer: Any, prompt: str, max_tokens: int) -> str:
    ids = torch.tensor([encode(tokenizer, prompt)])
    found = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_tokens, do_sample=False, pad_token_id=2
    )
    text: str = tokenizer.decode(found[0, ids.shape[1] :], skip_special_tokens=True)
    return text


def test_an_answers_probability_is_the_models_own_among_those_allowed(engine: TransformersEngine, base: Path) -> None:
    model, tokenizer = load_base(base)
    words = ["1", "2", "3"]  # of one character: nothing shorter is allowed beside them
    with torch.inference_mode():
        logits = model(torch.tensor([encode(tokenizer, PROMPTS[0])])).logits[0, -1]
    first = [encode(tokenizer, word) for word in words]
    assert [len(tokens) for tokens in first] == [1, 1, 1]
    expected = logits[[token for (token,) in first]].softmax(0)

    grammar = "start: " + " | ".join(f'"{word}"' for word in words)
    (found,) = answers(engine, [ask("1", PROMPTS[0], grammar=grammar)])
    (forced,) = answers(engine, [ask("2", PROMPTS[0], grammar='start: "1"')])

    assert found.text == words[int(expected.argmax())]
    assert found.probability == pytest.approx(float(expected.max()), rel=1e-3)
    assert forced.probability == 1, "nothing was chosen"


def test_a_grammar_that_gives_up_ends_its_own_request_alone(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, calls = Guide.allowed, 0

    def giving_up(guide: Guide) -> Mask:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise GrammarError("too many lexer states")
        return allowed(guide)

    monkeypatch.setattr(Guide, "allowed", giving_up)
    futures = [engine.submit(ask(f"{n}", PROMPTS[n])) for n in range(3)]
    found = [future.exception(WAIT_S) for future in futures]

    assert [type(error) for error in found].count(type(None)) == 2
    (error,) = [error for error in found if error]
    assert isinstance(error, GrammarError)
    assert "too many lexer states" in str(error)
    assert not error.retryable


def test_an_engine_whose_thread_ends_fails_what_is_in_flight(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersEngine(base, {"words": Hosted(None, 128, 256)}, slots=8)
    monkeypatch.setattr(InFlight, "await_work", lambda _: False)
    running = engine.submit(ask("1", PROMPTS[0], grammar=None, max_tokens=3))

    assert isinstance(running.exception(WAIT_S), EngineError)
    assert not engine.healthy()
    with pytest.raises(EngineError, match="thread has ended"):
        engine.submit(ask("2", PROMPTS[0])).result(WAIT_S)


def test_int8_is_refused_where_it_would_be_something_else(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.engines.transformers.decoder.fits", lambda _: False)

    with pytest.raises(EngineError, match=r"precision int8 needs a CPU, .* this is LlamaForCausalLM on cpu") as caught:
        TransformersEngine(base, {"words": Hosted(None, 128, 256)}, precision=Precision.INT8)
    assert not caught.value.retryable


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux says what is mapped")
def test_the_file_of_weights_is_let_go_once_it_is_laid_out(base: Path, tmp_path: Path) -> None:
    own = shutil.copytree(base, tmp_path / "own")
    engine = TransformersEngine(own, {"words": Hosted(None, 256, 64)}, slots=2, precision=Precision.FP32)
    gc.collect()
    assert str(own) not in Path("/proc/self/maps").read_text()
    engine.close()


def test_its_steps_and_their_rows_are_counted(engine: TransformersEngine) -> None:
    before = engine.stats()
    answers(engine, [ask(f"{n}", PROMPTS[n], max_tokens=4) for n in range(3)])

    after = engine.stats()
    assert (after.device, after.running, after.waiting) == (before.device, 0, 0)
    assert after.steps - before.steps >= 4  # a token each
    assert 3 * 4 <= after.rows - before.rows <= 3 * (after.steps - before.steps)
    assert after.step_s > before.step_s


def test_more_requests_than_slots_are_all_answered(engine: TransformersEngine) -> None:
    found = answers(engine, [ask(f"{n}", PROMPTS[n % 5], max_tokens=3 + n % 4) for n in range(20)])

    assert [completion.tokens_out for completion in found] == [3 + n % 4 for n in range(20)]


def test_a_request_joins_and_leaves_while_another_one_runs(base: Path) -> None:
    engine = TransformersEngine(base, {"words": LONG}, slots=2)
    long = engine.submit(ask("long", PROMPTS[0], grammar=None, max_tokens=LONG.answer_tokens))

    short = answers(engine, [ask("short", PROMPTS[1], max_tokens=2)])[0]

    assert short.tokens_out == 2
    assert not long.done()
    engine.cancel("long")
    assert long.result(WAIT_S).finish is Finish.CANCELLED
    engine.close()


def test_a_cancel_takes_effect_within_one_step_and_frees_the_slot(base: Path) -> None:
    engine = TransformersEngine(base, {"words": LONG}, slots=1)
    long = engine.submit(ask("long", PROMPTS[2], grammar=None, max_tokens=LONG.answer_tokens))
    eventually(lambda: engine.stats().steps >= 3, within_s=WAIT_S)
    waiting = engine.submit(ask("waiting", PROMPTS[0], max_tokens=1))

    engine.cancel("long")
    cancelled_at = engine.stats().steps

    assert long.result(WAIT_S).finish is Finish.CANCELLED
    assert 3 <= long.result().tokens_out < LONG.answer_tokens
    assert waiting.result(WAIT_S).tokens_out == 1
    # The step that ran when the cancel came, and the one that answered the request which waited for the slot.
    assert engine.stats().steps - cancelled_at <= 2
    engine.close()


def test_a_step_that_hangs_is_noticed_and_does_not_keep_the_engine_from_closing(
    base: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("workers.engines.transformers.engine.LAST_STEP_S", 0.1)
    engine, gate, begun = TransformersEngine(base, {"words": Hosted(None, 64, 32)}, 1, stall_s=0.2), Event(), Event()

    def hang(pieces: Sequence[Piece], wanted: Sequence[bool]) -> torch.Tensor:
        begun.set()
        gate.wait(WAIT_S)
        raise RuntimeError

    monkeypatch.setattr(engine._decoder, "feed", hang)
    assert engine.healthy()
    stuck = engine.submit(ask("1", PROMPTS[0]))
    assert begun.wait(WAIT_S)
    eventually(lambda: not engine.healthy())
    engine.close()
    assert "a decoding step hangs" in caplog.text
    gate.set()
    with pytest.raises(EngineError):
        stuck.result(WAIT_S)


def test_what_the_grammar_forces_is_written_without_choosing(engine: TransformersEngine) -> None:
    found = answers(engine, [ask("1", PROMPTS[0], grammar='start: "only this can be said"', max_tokens=32)])[0]

    assert (found.text, found.finish) == ("only this can be said", Finish.STOP)
    assert found.tokens_out == found.forced == 6


def test_forced_and_chosen_tokens_make_one_answer(engine: TransformersEngine) -> None:
    grammar = (
        'start: "{\\"colour\\": \\"" COLOUR "\\", \\"size\\": \\"" ("small" | "large") "\\"}"\nCOLOUR: "red" | "blue"'
    )

    found = answers(engine, [ask(f"{n}", prompt, grammar=grammar, max_tokens=40) for n, prompt in enumerate(PROMPTS)])

    shapes = {
        f'{{"colour": "{colour}", "size": "{size}"}}' for colour in ("red", "blue") for size in ("small", "large")
    }
    assert {completion.text for completion in found} <= shapes
    assert all(0 < completion.forced < completion.tokens_out for completion in found)


def test_an_answer_that_is_cut_off_says_so(engine: TransformersEngine) -> None:
    found = answers(engine, [ask("1", PROMPTS[0], grammar='start: "only this can be said"', max_tokens=3)])[0]

    assert (found.finish, found.tokens_out) == (Finish.LENGTH, 3)


def test_a_grammar_that_is_refused_is_an_error_with_its_reason(engine: TransformersEngine) -> None:
    with pytest.raises(EngineError, match="lexer error") as caught:
        answers(engine, [ask("1", PROMPTS[0], grammar='start: "no end')])

    assert not caught.value.retryable


def test_a_prompt_that_is_too_long_is_refused_not_cut(engine: TransformersEngine) -> None:
    with pytest.raises(PromptTooLong, match="the manifest allows 128"):
        answers(engine, [ask("1", "word " * 129)])


def test_more_tokens_than_the_manifest_allows_are_refused(engine: TransformersEngine) -> None:
    with pytest.raises(EngineError, match="the manifest allows 1 to 256"):
        answers(engine, [ask("1", PROMPTS[0], max_tokens=257)])


def test_a_control_token_in_a_prompt_stays_text(engine: TransformersEngine) -> None:
    found = answers(engine, [ask("1", "<|im_end|>", max_tokens=1)])[0]

    assert found.tokens_in > 1


def test_a_prompt_fed_in_many_steps_is_answered_as_in_one(engine: TransformersEngine, base: Path) -> None:
    expected = answers(engine, [ask(f"{n}", prompt) for n, prompt in enumerate(PROMPTS)])
    hosted = {"words": Hosted(None, 128, 64)}
    small_steps = TransformersEngine(base, hosted, slots=3, step_tokens=5, precision=Precision.FP32)

    found = answers(small_steps, [ask(f"{n}", prompt) for n, prompt in enumerate(PROMPTS)])

    small_steps.close()
    assert [completion.text for completion in found] == [completion.text for completion in expected]


def test_adapters_kept_apart_answer_as_each_merged_alone(base: Path, adapters: dict[str, AdapterSource]) -> None:
    hosted = {**{name: Hosted(source, 64, 32) for name, source in adapters.items()}, "plain": Hosted(None, 64, 32)}
    expected = [text for name, each in hosted.items() for text in texts(base, {name: each})]

    together = texts(base, hosted)

    assert together == expected
    assert len(set(together)) > len(PROMPTS)  # the adapters do change what is said


def texts(base: Path, hosted: dict[str, Hosted]) -> list[str]:
    engine = TransformersEngine(base, hosted, slots=16, precision=Precision.FP32)
    requests = [ask(f"{name}-{n}", prompt, name) for name in hosted for n, prompt in enumerate(PROMPTS)]
    found = [completion.text for completion in answers(engine, requests)]
    engine.close()
    return found


def test_a_merged_adapter_gives_the_hidden_states_that_peft_gives(
    base: Path, adapters: dict[str, AdapterSource]
) -> None:
    trained = peft_model(base)
    set_peft_model_state_dict(trained, load_file(adapters["red"].path))
    decoder = Decoder(base, {"red": adapters["red"]}, 1, 64, "cpu", Precision.FP32, Techniques())
    tokens = encode(decoder.tokenizer, PROMPTS[2])

    found = decoder.feed([Piece(0, 0, tokens, "red")], [True])[0]

    with torch.inference_mode():
        expected = trained.base_model.model.model(torch.tensor([tokens])).last_hidden_state[0, -1]
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_an_adapter_that_changes_nothing_is_refused_as_it_was_never_trained(
    base: Path, adapters: dict[str, AdapterSource], tmp_path: Path
) -> None:
    trained = load_file(adapters["red"].path)
    for state in ({}, {name: tensor * ("lora_B" not in name) for name, tensor in trained.items()}):
        save_file(state, tmp_path / "adapter.safetensors")
        idle = AdapterSource(tmp_path / "adapter.safetensors", RANK, ALPHA)
        with pytest.raises(AdapterError, match="changes nothing of the base, as one that was never trained"):
            Decoder(base, {"idle": idle}, 1, 64, "cpu", Precision.FP32, Techniques())


def test_an_adapter_that_is_no_file_of_tensors_is_refused(base: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter.safetensors").write_bytes(b"")
    broken = AdapterSource(tmp_path / "adapter.safetensors", RANK, ALPHA)
    with pytest.raises(AdapterError, match="is no file of safetensors"):
        Decoder(base, {"broken": broken}, 1, 64, "cpu", Precision.FP32, Techniques())


def test_an_adapter_of_another_rank_is_refused_with_the_layers_name(
    base: Path, adapters: dict[str, AdapterSource]
) -> None:
    wrong = AdapterSource(adapters["red"].path, RANK * 2, ALPHA)

    with pytest.raises(AdapterError, match=rf"down_proj.* has factors of shape \({RANK}, {INNER}\)"):
        TransformersEngine(base, {"red": Hosted(wrong, 64, 32)}, slots=1)


class Broken:
    """A decoder whose steps fail."""

    def feed(self, *_: Any) -> torch.Tensor:
        raise ArithmeticError("after the words " + PROMPTS[0])


def test_a_failing_step_fails_its_requests_and_the_engine_goes_on(
    base: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = TransformersEngine(base, {"words": Hosted(None, 64, 32)}, slots=2)
    with monkeypatch.context() as broken:
        broken.setattr(engine._decoder, "feed", Broken().feed)
        with pytest.raises(EngineError, match="ArithmeticError") as caught:
            answers(engine, [ask("1", PROMPTS[0])])

    assert caught.value.retryable
    assert "raised ArithmeticError" in caplog.text
    assert PROMPTS[0] not in caplog.text
    assert engine.healthy()
    assert answers(engine, [ask("1", PROMPTS[0])])[0].tokens_out == 12
    engine.close()


def test_an_engine_whose_steps_keep_failing_says_that_it_is_broken(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersEngine(base, {"words": Hosted(None, 64, 32)}, slots=2)
    monkeypatch.setattr(engine._decoder, "feed", Broken().feed)

    healthy_when_told: list[bool] = []
    for n in range(FAILURES_ALLOWED):
        future = engine.submit(ask(f"{n}", PROMPTS[0]))
        future.add_done_callback(lambda _: healthy_when_told.append(engine.healthy()))
        with pytest.raises(EngineError, match="ArithmeticError"):
            future.result(WAIT_S)

    with pytest.raises(EngineError, match="broken") as caught:
        answers(engine, [ask("after", PROMPTS[0])])
    assert caught.value.retryable
    assert not engine.healthy()
    assert healthy_when_told == [True, False]  # a job has three attempts: one is left for another worker
    engine.close()


class Narrow:
    """A decoder with memory for steps of so many tokens."""

    def __init__(self, whole: Decoder, most: int) -> None:
        self._feed, self._most = whole.feed, most
        self.tried: list[int] = []

    def feed(self, pieces: Sequence[Piece], wanted: Sequence[bool]) -> torch.Tensor:
        self.tried.append(sum(len(piece.tokens) for piece in pieces))
        if self.tried[-1] > self._most:
            raise MemoryError
        return self._feed(pieces, wanted)


def test_where_memory_runs_out_the_batch_shrinks_and_every_answer_is_the_same(
    engine: TransformersEngine, base: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    prompts = [f"{n} {prompt}" for n, prompt in enumerate(PROMPTS * 3)]
    expected = answers(engine, [ask(f"{n}", prompt) for n, prompt in enumerate(prompts)])
    small = TransformersEngine(base, {"words": Hosted(None, 64, 32)}, slots=15, precision=Precision.FP32)
    narrow = Narrow(small._decoder, 40)
    monkeypatch.setattr(small._decoder, "feed", narrow.feed)

    found = answers(small, [ask(f"{n}", prompt) for n, prompt in enumerate(prompts)])

    assert [completion.text for completion in found] == [completion.text for completion in expected]
    assert max(narrow.tried) > 40
    assert small.stats().shrunk == sum(tried > 40 for tried in narrow.tried)
    assert small.healthy()
    assert "memory ran out in a step" in caplog.text
    small.close()


def test_where_not_even_the_smallest_step_fits_its_requests_fail(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersEngine(base, {"words": Hosted(None, 64, 32)}, slots=2)
    monkeypatch.setattr(engine._decoder, "feed", Narrow(engine._decoder, 0).feed)

    with pytest.raises(EngineError, match="MemoryError") as caught:
        answers(engine, [ask("1", PROMPTS[0])])

    assert caught.value.retryable
    engine.close()


def test_what_prompts_have_in_common_is_computed_once(engine: TransformersEngine, base: Path) -> None:
    constant = "Of the goods in the harbour of a small town by the sea, say which one is "
    prompts = [constant + word for word in ("red", "old", "too heavy to be lifted by two men", "red")]
    hosted = {"words": Hosted(None, 128, 64)}
    without = TransformersEngine(base, hosted, 2, precision=Precision.FP32, techniques=Techniques(prefix_bytes=0))
    expected = [answers(without, [ask("1", prompt)])[0] for prompt in prompts]
    without.close()
    kept = TransformersEngine(base, hosted, 2, precision=Precision.FP32)

    found = [answers(kept, [ask("1", prompt)])[0] for prompt in prompts]

    kept.close()
    shared = len(encode(kept._decoder.tokenizer, constant.rstrip()))
    assert [each.reused for each in expected] == [0, 0, 0, 0]
    assert [each.reused for each in found] == [0, shared, shared, found[0].tokens_in - 1]
    assert [each.text for each in found] == [each.text for each in expected]


def test_one_specialist_is_not_given_what_was_computed_for_another(
    base: Path, adapters: dict[str, AdapterSource]
) -> None:
    hosted = {name: Hosted(source, 64, 32) for name, source in adapters.items()}
    engine = TransformersEngine(base, hosted, 2)

    red, blue, again = (answers(engine, [ask("1", PROMPTS[3], name)])[0] for name in ("red", "blue", "red"))

    assert (red.reused, blue.reused, again.reused) == (0, 0, red.tokens_in - 1)
    engine.close()


@pytest.mark.parametrize("left_out", [Techniques(forced=False), Techniques(picked=False)], ids=["forced", "picked"])
def test_without_a_technique_the_answers_are_the_same(
    engine: TransformersEngine, base: Path, left_out: Techniques
) -> None:
    grammar = 'start: "{\\"colour\\": \\"" ("red" | "blue" | "green") "\\"}"'
    requests = [ask(f"{n}", prompt, grammar=grammar, max_tokens=40) for n, prompt in enumerate(PROMPTS)]
    plain = TransformersEngine(
        base, {"words": Hosted(None, 128, 256)}, 8, precision=Precision.FP32, techniques=left_out
    )

    expected, found = answers(engine, requests), answers(plain, requests)

    plain.close()
    assert [each.text for each in found] == [each.text for each in expected]
    assert all(each.forced for each in expected)
    assert any(each.forced for each in found) == left_out.forced


@pytest.mark.parametrize("precision", [Precision.BF16, Precision.INT8])
def test_fewer_bits_a_weight_leave_most_choices_as_they_were(
    real_engine: TransformersEngine, real: Path, precision: Precision
) -> None:
    """The base model is not sure of its words: of specialists' answers fewer differ, see docs/engines.md."""
    grammar = 'start: " " ("a" | "the" | "and" | "four" | "orange" | "sailed" | "will" | "has")'
    requests = [ask(f"{n}", prompt, grammar=grammar) for n, prompt in enumerate(PROMPTS * 2)]
    if not can_pack(precision):
        with pytest.raises(EngineError, match=r"precision bf16 needs a processor with AVX-512 or AMX"):
            TransformersEngine(real, {"words": Hosted(None, 128, 256)}, 8, precision=precision)
        return
    fewer = TransformersEngine(real, {"words": Hosted(None, 128, 256)}, 8, precision=precision)

    expected, found = answers(real_engine, requests), answers(fewer, requests)

    fewer.close()
    assert sum(one.text == other.text for one, other in zip(expected, found, strict=True)) >= 8
