"""The function engine with failing jobs: type `flaky` fails the first time, type `later` until a number is released."""

from __future__ import annotations

import json
import os
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path

from benchmarks.chaos.goals.types import EVERY, FLAKY, LATER
from workers.engines import Completion, EngineError, Request
from workers.engines.function import FunctionEngine


class ChaosEngine(FunctionEngine):
    def submit(self, request: Request) -> Future[Completion]:
        if request.specialist == FLAKY and _is_first(request):
            return _failed(EngineError("it fails the first time", retryable=True))
        if request.specialist == LATER and not _is_let(request):
            return _failed(EngineError("it fails until it is let", retryable=False))
        return super().submit(request)


def _failed(error: EngineError) -> Future[Completion]:
    future: Future[Completion] = Future()
    future.set_exception(error)
    return future


def _is_first(request: Request) -> bool:
    """Whether this prompt is new to all processes together."""
    marks = Path(os.environ["CHAOS_FOLDER"]) / "marks"
    marks.mkdir(exist_ok=True)
    try:
        (marks / sha256(request.prompt.encode()).hexdigest()).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _is_let(request: Request) -> bool:
    number = json.loads(request.prompt)["n"]
    return number % EVERY != 0 or switch(Path(os.environ["CHAOS_FOLDER"]), number).exists()


def switch(folder: Path, number: int) -> Path:
    """The file that releases a number."""
    return folder / "switches" / str(number)
