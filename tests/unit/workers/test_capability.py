"""What a worker says of itself, and how fast it finds itself to be."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from specialists.specialist import Specialist, load_specialist
from workers.capability import SHORT, TRIALS, Capability, measure
from workers.engines import Completion, EngineError, Finish, Request
from workers.engines.scripted import ScriptedEngine

MANIFEST = """
engine = "scripted"
[base]
name = "some-base"
[decoding]
format = "lines"
max_tokens = 8
"""


class Talking(ScriptedEngine):
    """Answers each request at once with so many tokens, or with an error."""

    def __init__(self, tokens: int | None, finish: Finish = Finish.STOP) -> None:
        super().__init__({})
        self._finish = finish
        self.asked: list[Request] = []
        self._tokens = tokens

    def submit(self, request: Request) -> Future[Completion]:
        self.asked.append(request)
        future: Future[Completion] = Future()
        if self._tokens is None:
            future.set_exception(EngineError("broken"))
        else:
            future.set_result(Completion("good", self._finish, self._tokens - 10, 10))
        return future


@pytest.fixture
def mood(write_specialist: Callable[..., Path]) -> Specialist:
    example = json.dumps({"input": {"text": "hooray"}, "output": {"mood": "good"}})
    text = {"text": {"type": "string", "maxLength": 100}}
    files = {"prompt.txt": "{{text}}\nMood:", "examples.jsonl": "\n".join([example] * 9)}
    return load_specialist(write_specialist("mood", MANIFEST, text, {"mood": {"enum": ["good", "bad"]}}, files))


@pytest.fixture
def engine() -> Iterator[Talking]:
    engine = Talking(tokens=50)
    yield engine
    engine.close()


def test_a_model_is_measured_on_a_few_examples_of_its_own(mood: Specialist, engine: Talking) -> None:
    began = time.monotonic()
    speed = measure([mood], {"mood": engine})
    assert speed
    assert speed >= TRIALS * 50 / (time.monotonic() - began) - 1
    assert [request.prompt for request in engine.asked] == ["hooray\nMood:"] * (1 + TRIALS)
    assert all(request.deadline for request in engine.asked)


def test_what_has_no_model_or_no_examples_is_not_measured(mood: Specialist, engine: Talking) -> None:
    (mood.folder / "examples.jsonl").unlink()
    assert measure([mood], {"mood": engine}) is None
    for lacking in ("base", "decoding"):
        silent = mood.manifest.model_copy(update={lacking: None})
        assert measure([Specialist(mood.folder, silent, {}, {}, None)], {"mood": engine}) is None
    assert engine.asked == []


@pytest.mark.parametrize(("tokens", "finish"), [(None, Finish.STOP), (50, Finish.DEADLINE)], ids=["failed", "cut"])
def test_trials_without_an_answer_leave_the_speed_open(mood: Specialist, tokens: int | None, finish: Finish) -> None:
    engine = Talking(tokens, finish)
    assert measure([mood], {"mood": engine}) is None
    engine.close()


def test_a_worker_tells_all_that_others_choose_it_by(mood: Specialist, engine: Talking) -> None:
    before_ms = time.time_ns() // 1_000_000
    about = Capability([mood], {"mood": engine}, slots=8, tokens_per_s=12.5).about(running=2, done=7)
    assert about["serves"] == {"mood": "1.0.0"}
    assert about["digests"] == {"mood": mood.digest[:SHORT]}
    assert (about["engines"], about["devices"], about["bases"]) == (["scripted"], ["cpu"], ["some-base"])
    assert (about["slots"], about["running"], about["done"]) == (8, 2, 7)
    assert (about["tokens_per_s"], about["pid"]) == (12.5, os.getpid())
    assert before_ms <= about["started_ms"] <= time.time_ns() // 1_000_000
    assert json.loads(json.dumps(about)) == about
