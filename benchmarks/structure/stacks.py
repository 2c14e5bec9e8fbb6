"""Stacks: the functions of the four packages on the way to a call, read from real frames during the call."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ("infra", "specialists", "workers", "coordinator")


@dataclass(frozen=True)
class Hops:
    """The way to `target`: our functions, from the outermost to the one that calls it."""

    title: str
    target: str
    functions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.functions) + 1

    def __str__(self) -> str:
        steps = [*self.functions, self.target]
        lines = [f"{number:4}  {step}" for number, step in enumerate(steps, 1)]
        return "\n".join([f"{self.title}: {len(self)} frames", *lines])


class Stacks:
    """Keeps the first stack of each watched call. Any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[str, ...]] = {}

    def add(self, target: str) -> None:
        found = tuple(reversed([*_ours(sys._getframe(1))]))
        with self._lock:
            self._found.setdefault(target, found)

    def hops(self, title: str, target: str) -> Hops:
        return Hops(title, target, self._found[target])


class Watched:
    """Wraps `inner`, and keeps the stack of each call as `name.method`, unless an argument is an empty list."""

    def __init__(self, inner: Any, name: str, stacks: Stacks) -> None:
        self._inner = inner
        self._name = name
        self._stacks = stacks

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._inner, attribute)
        return self._noting(attribute, found) if callable(found) else found

    def _noting(self, attribute: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if [] not in args:
                self._stacks.add(f"{self._name}.{attribute}")
            return method(*args, **options)

        return call


def _ours(frame: FrameType | None) -> Iterator[str]:
    """Yield our functions from the innermost out, such as `infra/queue/celery_queue.py CeleryQueue.send`."""
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in PACKAGES:
            yield f"{path.relative_to(ROOT)} {frame.f_code.co_qualname}"
        frame = frame.f_back
