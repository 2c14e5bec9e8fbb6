"""Pictures of the results of `benchmarks.engine.run`. Knows its result and matplotlib; measures nothing."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes

from benchmarks.delivery.tables import Row
from benchmarks.scale.plots import GUIDE, INK, save

OURS = "manyhands"


def draw(result: Row, folder: Path) -> None:
    if found := _workloads(result, "saturation"):
        save(folder / "engine-jobs.png", lambda axes: _jobs(axes, found), "valid jobs a second, one worker")
    if found := _workloads(result, "latency"):
        save(folder / "engine-latency.png", lambda axes: _latency(axes, found), "share of what it can do at most")


def _workloads(result: Row, part: str) -> Row:
    return {name: found for name, found in result.get(part, {}).items() if name != "about"}


def _jobs(axes: Axes, found: Row) -> None:
    rows = [(f"{row['contender']}, {name}", row) for name, each in found.items() for row in each["contenders"]]
    rows.reverse()
    speeds = [row["jobs_per_s"] for _, row in rows]
    bars = axes.barh(
        [label for label, _ in rows], speeds, color=[INK if row["contender"] == OURS else GUIDE for _, row in rows]
    )
    axes.bar_label(bars, [f"{speed:.3g}" for speed in speeds], padding=3, fontsize=8)
    axes.set(xscale="log")
    axes.tick_params(axis="y", labelsize=7)


def _latency(axes: Axes, found: Row) -> None:
    for name, each in found.items():
        loads = [row["load"] for row in each["loads"]]
        (line,) = axes.plot(loads, [row["p50_ms"] for row in each["loads"]], "o-", label=f"{name}, p50")
        axes.plot(loads, [row["p99_ms"] for row in each["loads"]], "s--", color=line.get_color(), label=f"{name}, p99")
    axes.set(yscale="log", ylabel="ms", ylim=(1, None))
    axes.legend(frameon=False, fontsize=7, ncols=2)
