"""The picture of a training run: the loss, and the score on the development set. Knows its log and matplotlib."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

CURVE = "training.png"
SMOOTHED = 20  #: steps in a mean


def draw_curve(log: Path, path: Path) -> bool:
    """Draw the run in `log` to `path`; return False if matplotlib is not installed."""
    if not find_spec("matplotlib"):
        return False
    from matplotlib.figure import Figure

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    steps, losses = [line["step"] + 1 for line in lines], [line["loss"] for line in lines]
    axes.plot(steps, _smoothed(losses), color="#2563eb", label=f"loss, mean of {SMOOTHED} steps")
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    if looks := [line for line in lines if "dev_loss" in line]:
        at = [line["step"] + 1 for line in looks]
        axes.plot(at, [line["dev_loss"] for line in looks], "o-", color="#9ca3af", label="loss, development set")
        other = axes.twinx()
        other.plot(at, [line["dev_exact"] for line in looks], "s--", color="#d97706", label="exact, development set")
        other.set(ylabel="percent", ylim=(0, 100))
    figure.legend(frameon=False, fontsize=7, loc="outside upper center", ncols=3)
    figure.savefig(path, dpi=110)
    return True


def _smoothed(values: list[float]) -> list[float]:
    return [sum(values[max(0, n - SMOOTHED + 1) : n + 1]) / min(n + 1, SMOOTHED) for n in range(len(values))]
