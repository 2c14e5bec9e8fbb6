"""The function engine, where a job of type `flaky` fails the first time that it is asked, in a way that may pass."""

from __future__ import annotations

import os
from concurrent.futures import Future
from hashlib import sha256
from pathlib import Path

from benchmarks.chaos_types import FLAKY
from workers.engines import Completion, EngineError, Request
from workers.engines.function import FunctionEngine


class ChaosEngine(FunctionEngine):
    def submit(self, request: Request) -> Future[Completion]:
        if request.specialist == FLAKY and _is_first(request):
            future: Future[Completion] = Future()
            future.set_exception(EngineError("it fails the first time", retryable=True))
            return future
        return super().submit(request)


def _is_first(request: Request) -> bool:
    """Once for each prompt, in whichever process."""
    marks = Path(os.environ["CHAOS_FOLDER"]) / "marks"
    marks.mkdir(exist_ok=True)
    try:
        (marks / sha256(request.prompt.encode()).hexdigest()).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
