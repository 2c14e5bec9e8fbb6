"""The scripted engine's table of times: how long it takes, who waits, and what it answers to anything."""

from __future__ import annotations

import gc
import json
import math
import statistics
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.settings import Settings
from specialists.manifest import Script
from specialists.specialist import Specialist, load_specialist
from workers.engines import Completion, EngineError, Finish, Request
from workers.engines.scripted import ScriptedEngine, service_s

WAIT_S = 20
HOUR = Script(median_s=3600, at_once=1)
MANIFEST = """
engine = "scripted"
[decoding]
format = "json"
max_tokens = 8
[script]
"""


@pytest.fixture
def start() -> Iterator[Callable[..., ScriptedEngine]]:
    """Starts engines that serve `mood`, by the script given."""
    started: list[ScriptedEngine] = []

    def make(script: Script, answer: str = "good") -> ScriptedEngine:
        started.append(ScriptedEngine({"mood": answer}, scripts={"mood": script}))
        return started[-1]

    yield make
    for engine in started:
        engine.close()


def request(id: str, deadline: float | None = None) -> Request:
    return Request(id, "mood", "How are you?", deadline=deadline)


def test_one_id_always_takes_the_same_time() -> None:
    script = Script(median_s=1, sigma=1)
    assert service_s(script, "a") == service_s(script, "a")
    assert service_s(script, "a") != service_s(script, "b")


def test_times_are_log_normal_around_the_median() -> None:
    script = Script(median_s=2, sigma=0.5)
    logs = [math.log(service_s(script, str(n))) for n in range(4000)]
    assert math.exp(statistics.median(logs)) == pytest.approx(2, rel=0.05)
    assert statistics.stdev(logs) == pytest.approx(0.5, rel=0.05)


def test_without_sigma_every_request_takes_the_median() -> None:
    assert {service_s(Script(median_s=0.25), str(n)) for n in range(10)} == {0.25}


def test_the_others_wait_when_as_many_are_served_as_may_be_at_once(start: Callable[..., ScriptedEngine]) -> None:
    engine = start(Script(median_s=3600, at_once=2))
    for n in range(5):
        engine.submit(request(str(n)))
    stats = engine.stats()
    assert (stats.running, stats.waiting) == (2, 3)


def noting(ended: list[str], id: str) -> Callable[[object], None]:
    return lambda _: ended.append(id)


def test_those_who_wait_are_served_in_the_order_they_came(start: Callable[..., ScriptedEngine]) -> None:
    engine = start(Script(median_s=0.01, at_once=1))
    ended: list[str] = []
    futures = []
    for n in range(5):
        futures.append(engine.submit(request(str(n))))
        futures[-1].add_done_callback(noting(ended, str(n)))
    for future in futures:
        future.result(WAIT_S)
    assert ended == ["0", "1", "2", "3", "4"]


def test_a_request_that_waits_can_be_cancelled(start: Callable[..., ScriptedEngine]) -> None:
    engine = start(HOUR)
    engine.submit(request("served"))
    waiting = engine.submit(request("waiting"))
    engine.cancel("waiting")
    assert waiting.result(WAIT_S).finish is Finish.CANCELLED
    assert engine.stats().waiting == 0


def test_a_request_that_waits_past_its_deadline_ends_as_late(start: Callable[..., ScriptedEngine]) -> None:
    engine = start(HOUR)
    engine.submit(request("served"))
    waiting = engine.submit(request("waiting", deadline=time.monotonic() + 0.01))
    assert waiting.result(WAIT_S).finish is Finish.DEADLINE


def test_the_next_is_served_when_the_one_before_is_cancelled(start: Callable[..., ScriptedEngine]) -> None:
    engine = start(HOUR)
    served = engine.submit(request("served"))
    engine.submit(request("waiting"))
    engine.cancel("served")
    assert served.result(WAIT_S).finish is Finish.CANCELLED
    stats = engine.stats()
    assert (stats.running, stats.waiting) == (1, 0)


def test_specialists_do_not_wait_for_each_other() -> None:
    engine = ScriptedEngine({"mood": "good", "tone": "dry"}, scripts={"mood": HOUR, "tone": Script(at_once=1)})
    engine.submit(request("taken"))
    assert engine.submit(Request("1", "tone", "")).result(WAIT_S) == Completion("dry", Finish.STOP)
    engine.close()


def test_many_threads_may_submit_at_once(start: Callable[..., ScriptedEngine]) -> None:
    engine = start(Script(at_once=3))
    answers: list[str] = []

    def ask(name: str) -> None:
        for n in range(50):
            answers.append(engine.submit(request(f"{name}-{n}")).result(WAIT_S).text)  # noqa: PERF401 - one at a time

    threads = [threading.Thread(target=ask, args=[str(n)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert answers == ["good"] * 400
    assert (engine.stats().running, engine.stats().waiting) == (0, 0)


def test_a_script_that_raises_ends_its_request_alone(caplog: pytest.LogCaptureFixture) -> None:
    def answer(request: Request) -> str:
        return f"{1 / int(request.id)}"

    engine = ScriptedEngine({"mood": answer})
    with pytest.raises(EngineError, match=r"^the script of 'mood' raised ZeroDivisionError$") as caught:
        engine.submit(request("0")).result(WAIT_S)
    assert not caught.value.retryable
    assert engine.submit(request("1")).result(WAIT_S).text == "1.0"
    assert engine.healthy()
    assert "test_scripted_engine.py" in caplog.text
    engine.close()


def test_a_request_that_has_ended_is_not_kept_until_its_deadline() -> None:
    opened = threading.Event()

    def answer(request: Request) -> str:
        opened.wait(WAIT_S)
        return "good"

    engine = ScriptedEngine({"mood": answer}, scripts={"mood": Script(at_once=1), "tone": Script(median_s=1800)})
    engine.submit(Request("slow", "tone", ""))  # ends before their deadlines, and after the test
    kept: list[weakref.ref[Request]] = []
    futures = []
    for n in range(1000):
        asked = request(str(n), deadline=time.monotonic() + 3600)
        kept.append(weakref.ref(asked))
        futures.append(engine.submit(asked))
    del asked
    opened.set()
    for future in futures:
        future.result(WAIT_S)
    gc.collect()
    assert sum(each() is not None for each in kept) < 20
    engine.close()


@pytest.fixture
def mood(write_specialist: Callable[..., Path]) -> Callable[[str], Specialist]:
    """The specialist `mood`, with these lines in its table `script`, and two examples."""

    def make(script: str) -> Specialist:
        rows = [{"input": {"text": text}, "output": {"mood": mood}} for text, mood in (("a", "good"), ("b", "bad"))]
        files = {"prompt.txt": "{{text}}", "examples.jsonl": "\n".join(map(json.dumps, rows))}
        text, mood = {"type": "string", "maxLength": 100}, {"enum": ["good", "bad"]}
        return load_specialist(write_specialist("mood", MANIFEST + script, {"text": text}, {"mood": mood}, files))

    return make


def answer(specialist: Specialist, text: str) -> Completion:
    engine = ScriptedEngine.create([specialist], Settings(_env_file=None))
    try:
        return engine.submit(Request("1", "mood", specialist.render({"text": text}))).result(WAIT_S)
    finally:
        engine.close()


def test_a_manifest_may_have_any_prompt_answered_as_its_first_row(mood: Callable[[str], Specialist]) -> None:
    specialist = mood("any_prompt = true")
    assert specialist.parse(answer(specialist, "b").text, {"text": "b"}) == {"mood": "bad"}
    assert specialist.parse(answer(specialist, "c").text, {"text": "c"}) == {"mood": "good"}


def test_otherwise_a_prompt_that_is_not_in_the_table_is_an_error_that_does_not_quote_it(
    mood: Callable[[str], Specialist],
) -> None:
    with pytest.raises(Exception, match=r"^no answer is scripted for this prompt of 'mood'$"):
        answer(mood("median_s = 0"), "my secret")


def test_cancelling_what_is_being_answered_changes_nothing() -> None:
    begun, gate = threading.Event(), threading.Event()

    def answer(_: Request) -> str:
        begun.set()
        gate.wait(WAIT_S)
        return "good"

    engine = ScriptedEngine({"mood": answer}, scripts={"mood": Script(median_s=0.0, at_once=1)})
    first, second = engine.submit(request("1")), engine.submit(request("2"))
    assert begun.wait(WAIT_S)
    engine.cancel("1")
    gate.set()
    assert [each.result(WAIT_S).finish for each in (first, second)] == [Finish.STOP, Finish.STOP]
    assert (engine.stats().running, engine.stats().waiting) == (0, 0)
    engine.close()
