"""What every engine owes its callers: one body of tests, run on each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.manifest import RayHosting, Script
from tests.support.eventually import eventually
from workers.engines import Completion, Engine, EngineError, Finish, PromptTooLong, Request
from workers.engines.function import FunctionEngine
from workers.engines.scripted import ScriptedEngine

WAIT_S = 60
ENDLESS = "1"  #: the id of every endless request
LIMIT = 64  #: tokens that a model's prompt may have
MOST = 4000  #: … and its answer, which takes seconds on a tiny base too


@dataclass
class Case:
    engine: Engine
    quick: Callable[[str, str], Request]  #: (id, word) -> a request that is answered with the word, as JSON
    endless: Callable[[str], Request]  #: id -> a request that is not answered while the test runs
    let_go: Callable[[], None]  #: lets what cannot be interrupted come to its end

    def rest(self) -> None:
        """Stop what a test left behind, so that the next one finds the engine idle. Only a model can do so."""
        self.engine.cancel(ENDLESS)
        until = time.monotonic() + WAIT_S
        while (now := self.engine.stats()).running or now.waiting:
            assert time.monotonic() < until, now
            time.sleep(0.01)


def taken_case(
    engine: Engine, gate: threading.Event, threads: int, quote: Callable[[str], str], in_batches: bool = False
) -> Case:
    """Of an engine whose `wait` blocks a thread until the gate opens: further requests cannot begin before that."""
    taken = False

    def endless(id: str) -> Request:
        nonlocal taken
        for n in range(0 if taken else threads):
            engine.submit(Request(f"taken-{n}", "wait", "{}"))
        taken = True
        if in_batches:
            eventually(lambda: engine.stats().running)
        return Request(id, "wait", "{}")

    return Case(engine, lambda id, word: Request(id, "echo", quote(word)), endless, gate.set)


def function_case(hosting: type[FunctionEngine] = FunctionEngine) -> Case:
    gate = threading.Event()

    def wait(input: dict[str, str]) -> dict[str, str]:
        gate.wait(WAIT_S)
        return input

    engine = hosting({"echo": lambda input: input["word"], "wait": wait})
    return taken_case(engine, gate, hosting.threads, lambda word: f'{{"word": "{word}"}}')


def planner_case() -> Case:
    """Its queue and its thread, with functions in the planner's place."""
    from workers.engines.planner import PlannerEngine

    return function_case(PlannerEngine)


def scripted_case() -> Case:
    gate = threading.Event()

    def wait(_: Request) -> str:
        gate.wait(WAIT_S)
        return ""

    engine = ScriptedEngine({"echo": lambda request: f'"{request.prompt}"', "wait": wait})
    return taken_case(engine, gate, 1, str)


def scripted_in_turn_case() -> Case:
    """Requests that wait for their turn, behind one that is served for an hour."""
    scripts = {"wait": Script(median_s=3600, at_once=1)}
    engine = ScriptedEngine({"echo": lambda request: f'"{request.prompt}"', "wait": ""}, scripts=scripts)
    return taken_case(engine, threading.Event(), 1, str)


def transformers_case(tiny: Path) -> Case:
    from workers.engines.limits import Hosted
    from workers.engines.transformers.engine import TransformersEngine

    engine = TransformersEngine(tiny, {"echo": Hosted(None, LIMIT, MOST)}, slots=8)
    return model_case(engine)


def model_case(engine: Engine) -> Case:
    return Case(
        engine,
        lambda id, word: Request(id, "echo", f"Say {word}:", grammar=f'start: "\\"{word}\\""', max_tokens=32),
        lambda id: Request(id, "echo", "On and on", grammar="start: /[a-z]{90000}/", max_tokens=MOST),
        lambda: None,
    )


def llama_cpp_case(tiny: Path) -> Case:
    pytest.importorskip("xllamacpp", reason="engine llama.cpp needs the extra 'llamacpp'")
    from workers.engines.limits import Hosted
    from workers.engines.llama_cpp.engine import LlamaCppEngine
    from workers.engines.llama_cpp.gguf_file import Quantisation, ensure_gguf

    weights = ensure_gguf(tiny, None, Quantisation.Q8_0, tiny / "gguf")
    # One thread: two wait for each other within every step, which takes seconds where other processes use the cores.
    engine = LlamaCppEngine(tiny, weights, "echo", Hosted(None, LIMIT, MOST), slots=8, threads=1)
    return model_case(engine)


def vllm_case(_: Path) -> Case:
    """On a real base: nobody has tried vLLM with a tiny one."""
    pytest.importorskip("vllm", reason="engine vllm needs vLLM, in an environment of its own: docs/engines.md")
    from workers.engines.limits import Hosted
    from workers.engines.vllm.engine import VllmEngine

    base = ensure("smollm2-135m", Settings().weights)
    return model_case(VllmEngine(base, {"echo": Hosted(None, LIMIT, MOST)}, Settings().weights / "peft", slots=8))


def ray_case(settings: Settings, gate: Path) -> Case:
    """The gate is a file: it opens when there is one."""
    from workers.engines.ray.engine import RayEngine
    from workers.engines.ray.scaling import Rules

    join = (RayHosting(cpus=0), settings.ray_address, settings.ray_token_file)
    engine = RayEngine(partial(gated_engine, gate), Rules(least=1, most=1, slots=32), *join)
    return replace(taken_case(engine, threading.Event(), 1, str), let_go=gate.touch)


def gated_engine(gate: Path) -> Engine:
    """In the actor: an engine whose `wait` blocks its one thread."""

    def wait(_: Request) -> str:
        eventually(gate.exists)
        return ""

    return ScriptedEngine({"echo": lambda request: f'"{request.prompt}"', "wait": wait})


def heads_case(folder: Path) -> Case:
    """A base of random weights. In the heads' place: one that tells a prompt's last word, and one that waits."""
    from specialists.heads.readers.reader import Read, Seen
    from specialists.heads.tokens import Tokens
    from specialists.heads.trunks import load_trunk
    from specialists.heads.trunks.trunk import View
    from tests.support.tiny import make_tiny_encoder
    from workers.engines.heads.engine import HeadEngine
    from workers.engines.heads.hosted import Hosted

    gate = threading.Event()

    class LastWords:
        def read(self, seen: Seen) -> list[Read]:
            return [Read(each.text.rstrip(":").split()[-1], 1.0) for each in seen.readings]  # type: ignore[arg-type]

    class Waits(LastWords):
        def read(self, seen: Seen) -> list[Read]:
            gate.wait(WAIT_S)
            return super().read(seen)

    base, view = make_tiny_encoder(folder), View(1, True)
    hosted = {"echo": Hosted(LastWords(), view, LIMIT), "wait": Hosted(Waits(), view, LIMIT)}
    engine = HeadEngine(load_trunk(base), Tokens(base), hosted)
    return taken_case(engine, gate, 1, lambda word: f"Say {word}:", in_batches=True)


MODELS = (transformers_case, llama_cpp_case, vllm_case)
CASES = (function_case, planner_case, heads_case, scripted_case, scripted_in_turn_case, *MODELS, ray_case)
MARKS = {vllm_case: [pytest.mark.filterwarnings("default")]}  # vLLM warns of itself while it is imported


def params(cases: Sequence[Callable[..., Case]]) -> list[Any]:
    return [pytest.param(each, id=each.__name__.removesuffix("_case"), marks=MARKS.get(each, [])) for each in cases]


@pytest.fixture(scope="module")
def loaded() -> Iterator[dict[Callable[..., Case], Case]]:
    """Models take seconds to load: each is kept for all tests, until one closes it."""
    cases: dict[Callable[..., Case], Case] = {}
    yield cases
    for case in cases.values():
        case.engine.close()


@pytest.fixture(params=params(CASES))
def case(request: pytest.FixtureRequest, loaded: dict[Callable[..., Case], Case], tmp_path: Path) -> Iterator[Case]:
    if request.param in MODELS:
        yield from kept(request.param, loaded, request.getfixturevalue("tiny_base"))
    else:
        needs: dict[Callable[..., Case], tuple[Any, ...]] = {heads_case: (tmp_path / "base",)}
        if request.param is ray_case:
            needs[ray_case] = request.getfixturevalue("ray_settings"), tmp_path / "gate"
        yield from fresh(request.param(*needs.get(request.param, ())))


def kept(load: Callable[[Path], Case], loaded: dict[Callable[..., Case], Case], tiny: Path) -> Iterator[Case]:
    case = loaded[load] = loaded.get(load) or load(tiny)
    yield case
    if case.engine.healthy():
        case.rest()
    else:
        loaded.pop(load).engine.close()


def fresh(case: Case) -> Iterator[Case]:
    yield case
    case.let_go()
    case.engine.close()


def ended(case: Case, request: Request) -> Completion:
    return case.engine.submit(request).result(WAIT_S)


def test_an_answer_is_whole(case: Case) -> None:
    completion = ended(case, case.quick("1", "tea"))

    assert (completion.text, completion.finish) == ('"tea"', Finish.STOP)


def test_each_request_gets_its_own_answer(case: Case) -> None:
    words = [f"word{n}" for n in range(20)]

    futures = [case.engine.submit(case.quick(word, word)) for word in words]

    assert [future.result(WAIT_S).text for future in futures] == [f'"{word}"' for word in words]


def test_an_id_may_be_used_again_once_its_request_has_ended(case: Case) -> None:
    assert ended(case, case.quick("1", "tea")).text == '"tea"'
    assert ended(case, case.quick("1", "jam")).text == '"jam"'


def test_a_second_request_with_an_id_in_flight_is_refused(case: Case) -> None:
    case.engine.submit(case.endless(ENDLESS))

    with pytest.raises(EngineError, match="in flight") as caught:
        ended(case, case.quick("1", "tea"))

    assert not caught.value.retryable


def test_a_specialist_that_is_not_hosted_is_refused_by_name(case: Case) -> None:
    with pytest.raises(EngineError, match="nobody") as caught:
        ended(case, Request("1", "nobody", "{}"))

    assert not caught.value.retryable


def test_a_cancelled_request_completes_as_cancelled(case: Case) -> None:
    future = case.engine.submit(case.endless(ENDLESS))

    case.engine.cancel("1")
    case.let_go()

    assert future.result(WAIT_S).finish is Finish.CANCELLED


def test_cancelling_an_unknown_id_changes_nothing(case: Case) -> None:
    case.engine.cancel("never seen")

    assert ended(case, case.quick("never seen", "tea")).finish is Finish.STOP


def test_a_request_past_its_deadline_completes_as_late(case: Case) -> None:
    request = case.quick("1", "tea")
    late = Request(request.id, request.specialist, request.prompt, request.grammar, 32, deadline=time.monotonic() - 1)

    assert ended(case, late).finish is Finish.DEADLINE


@pytest.mark.parametrize("case", params((*MODELS, heads_case)), indirect=True)
def test_a_prompt_that_is_too_long_is_cut_where_it_may_be_and_says_so(case: Case) -> None:
    request, words = case.quick("1", "tea"), " tea" * 500
    long = replace(request, prompt=f"Say{words}:", cut=(len("Say"), len("Say" + words)))

    completion = ended(case, long)

    assert (completion.text, completion.finish) == ('"tea"', Finish.STOP)
    assert completion.tokens_in == LIMIT
    assert len(words) - len(" tea") * LIMIT <= completion.cut < len(words)
    assert ended(case, request).cut == 0


@pytest.mark.parametrize("case", params((*MODELS, heads_case)), indirect=True)
def test_a_prompt_that_is_too_long_is_refused_where_too_little_may_be_cut(case: Case) -> None:
    request = case.quick("1", "tea")
    long = "tea " * 2 * LIMIT

    for prompt, cut in ((long, None), (f"{long}:", (len(long), len(long) + 1))):
        with pytest.raises(PromptTooLong) as caught:
            ended(case, replace(request, prompt=prompt, cut=cut))
        assert not caught.value.retryable


def test_an_engine_says_what_computes_unless_nothing_does(case: Case) -> None:
    computes = case.engine.name in ("transformers", "llama.cpp", "vllm", "planner", "heads")

    assert bool(case.engine.precision) == computes
    assert bool(case.engine.build) == (computes or case.engine.name == "ray")


def test_a_caller_cannot_cancel_the_future_behind_the_engines_back(case: Case) -> None:
    future = case.engine.submit(case.endless(ENDLESS))

    assert not future.cancel()


def test_closing_fails_what_is_in_flight_so_that_another_worker_may_try(case: Case) -> None:
    future = case.engine.submit(case.endless(ENDLESS))

    threading.Timer(0.2, case.let_go).start()  # close may wait for what has begun
    case.engine.close()

    with pytest.raises(EngineError, match="closed") as caught:
        future.result(WAIT_S)
    assert caught.value.retryable


def test_a_closed_engine_refuses_requests_and_is_not_healthy(case: Case) -> None:
    assert case.engine.healthy()

    case.engine.close()

    assert not case.engine.healthy()
    with pytest.raises(EngineError, match="closed") as caught:
        ended(case, case.quick("1", "tea"))
    assert caught.value.retryable
