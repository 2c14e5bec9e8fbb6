"""Readers: loads the planner with its scorer, and can leave out some of its knowledge. Knows no goal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from specialists.bases.weights import WeightsError, ensure
from specialists.planning.planner import Planner
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.ranking.ranking import AS_FOUND
from specialists.planning.reading.reader import Reader
from specialists.planning.words.texts import TASKS, WANTS
from specialists.specialist import Specialist

#: The parts that an ablation may leave out: a task of the matcher, the layer over whole goals, the owners of labels, or
#: the weights of parts and plans.
PARTS = (*TASKS, "goal", "known", "base", "owners", "evidence", "order")


class Without:
    """A reader without some of its parts; for these, it finds every answer as likely as not."""

    def __init__(self, reader: Reader, parts: Iterable[str]) -> None:
        self._reader = reader
        self._parts = frozenset(parts)

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> Mapping[str, float]:
        found = self._reader.of_goal(goal, words, shape)
        if "goal" in self._parts:
            return dict.fromkeys(WANTS, 0.0)
        return {name: found[name] for name in WANTS} if "known" in self._parts else found

    def read(self, prefix: str, texts: Sequence[str], task: str) -> Sequence[float]:
        return [0.0] * len(texts) if task in self._parts else self._reader.read(prefix, texts, task)

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> Sequence[Sequence[float]]:
        if task in self._parts:
            return [[0.0] * len(texts) for _, texts in asked]
        return self._reader.read_many(asked, task)

    def similar(self, left: Sequence[str], right: Sequence[str]) -> Sequence[Sequence[float]]:
        if "base" in self._parts:
            return [[0.0] * len(right) for _ in left]
        return self._reader.similar(left, right)


def load_planner(base: Path, adapter: Path, without: Iterable[str] = ()) -> Planner:
    """`without`: names from `PARTS`. It raises KeyError or ValueError if the adapter does not fit."""
    from specialists.heads.encoder import metadata_of
    from specialists.heads.matcher import Scorer

    parts, calibration = list(without), Calibration.read(metadata_of(adapter))
    scorer = Scorer.load(base, adapter, TASKS)
    if "evidence" in parts:
        calibration = replace(calibration, evidence={})
    if "order" in parts:
        calibration = replace(calibration, order=dict(AS_FOUND))
    return Planner(Without(scorer, parts) if parts else scorer, calibration, asks="owners" not in parts)


def planner_of(
    specialist: Specialist,
    weights: Path,
    adapter: Path | None,
    without: Iterable[str],
    threads: int | None,
    say: Callable[[str], None],
) -> Planner:
    """`adapter`: used in place of the installed one. It raises WeightsError, and the errors of `load_planner`."""
    import torch

    used, base = adapter or specialist.adapter_path, specialist.manifest.base
    if base is None or used is None:
        raise WeightsError(f"{specialist.name!r} names no base or no adapter")
    torch.set_num_threads(threads or os.cpu_count() or 1)
    return load_planner(ensure(base.name, weights, say, base.sha256), used, without)
