"""Readers: the planner with its scorer loaded, and with some of the scorer's heads left out. Knows no goal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specialists.planning.calibration import Calibration
from specialists.planning.planner import Planner, Reader
from specialists.planning.texts import TASKS
from specialists.specialist import Specialist
from specialists.weights import WeightsError, ensure


class Scores(NamedTuple):
    own: Sequence[float]
    branches: Sequence[float]


class Without:
    """A reader some of whose heads know nothing: each of their answers is as likely as not. For ablations."""

    def __init__(self, reader: Reader, tasks: Iterable[str]) -> None:
        self._reader = reader
        self._tasks = frozenset(tasks)

    def wants(self, goal: str, shape: Sequence[float]) -> Sequence[float]:
        found = self._reader.wants(goal, shape)
        return [0.0] * len(found) if "wants" in self._tasks else found

    def read(self, prefix: str, branches: Sequence[tuple[str, str]], own: str = "") -> Scores:
        found = self._reader.read(prefix, branches, own)
        scores = zip(found.branches, branches, strict=True)
        mine = [0.0] * len(found.own) if own in self._tasks else found.own
        return Scores(mine, [0.0 if task in self._tasks else score for score, (task, _) in scores])

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        if task in self._tasks:
            return [[0.0] * len(branches) for _, branches in asked]
        return self._reader.read_many(asked, task)

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        return self._reader.similar(left, right)


def load_planner(base: Path, adapter: Path, without: Iterable[str] = ()) -> Planner:
    """`without`: tasks of `texts.TASKS` whose heads are left out. Raises KeyError, ValueError for another adapter."""
    from specialists.heads.encoder import Scorer, metadata_of

    reader: Any = Scorer.load(base, adapter, TASKS)
    tasks = list(without)
    return Planner(Without(reader, tasks) if tasks else reader, Calibration.read(metadata_of(adapter)))


def planner_of(
    specialist: Specialist,
    weights: Path,
    adapter: Path | None,
    without: Iterable[str],
    threads: int | None,
    say: Callable[[str], None],
) -> Planner:
    """`adapter`: in place of the installed one. Raises WeightsError, and what `load_planner` raises."""
    import torch

    used, base = adapter or specialist.adapter_path, specialist.manifest.base
    if base is None or used is None:
        raise WeightsError(f"{specialist.name!r} names no base or no adapter")
    torch.set_num_threads(threads or os.cpu_count() or 1)
    return load_planner(ensure(base.name, weights, say, base.sha256), used, without)
