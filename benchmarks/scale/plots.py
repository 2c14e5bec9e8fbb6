"""Pictures of the results of `benchmarks.scale.run`. Knows its result and matplotlib; measures nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

mpl.use("Agg")

Row = dict[str, Any]
INK, SECOND, GUIDE = "#2563eb", "#d97706", "#9ca3af"


def draw(result: Row, folder: Path) -> None:
    windows = result["growth"]["windows"]
    alone = [row for row in windows if row["coordinators"] == 1]
    save(folder / "scale-efficiency.png", lambda axes: _efficiency(axes, alone), "workers, one job at a time each")
    save(folder / "scale-cost.png", lambda axes: _cost(axes, alone), "workers")
    if result["hosts"]:
        save(folder / "scale-hosts.png", lambda axes: _hosts(axes, result["hosts"]), "delay to Redis, one way, ms")


def _efficiency(axes: Axes, rows: list[Row]) -> None:
    axes.plot([row["workers"] for row in rows], [row["efficiency"] for row in rows], "o-", color=INK)
    axes.axhline(0.9, color=GUIDE, linestyle="--", label="aim: 0.90")
    axes.set(xscale="log", ylim=(0, 1.05), ylabel="efficiency E(n)")
    _name_ticks(axes, rows)
    axes.legend(frameon=False, loc="lower left")


def _cost(axes: Axes, rows: list[Row]) -> None:
    for group, color in (("coordinator", INK), ("redis", SECOND)):
        axes.plot(
            [row["workers"] for row in rows], [row[f"{group}_ms"] for row in rows], "o-", color=color, label=group
        )
    axes.axhline(1.0, color=GUIDE, linestyle="--", label="aim for the coordinator: 1 ms")
    axes.set(xscale="log", ylabel="CPU, ms a job")
    axes.set_ylim(bottom=0)
    _name_ticks(axes, rows)
    axes.legend(frameon=False)


def _hosts(axes: Axes, rows: list[Row]) -> None:
    delays = [row["delay_ms"] for row in rows]
    axes.plot(delays, [row["efficiency"] for row in rows], "o-", color=INK, label="efficiency E(n)")
    axes.set(ylim=(0, 1.05), ylabel="efficiency E(n)")
    beside = axes.twinx()
    beside.plot(delays, [row["hop_p50_ms"] for row in rows], "s-", color=SECOND, label="hop, median (right)")
    beside.set_ylabel("hop, ms")
    beside.set_ylim(bottom=0)
    lines = [*axes.get_lines(), *beside.get_lines()]
    axes.legend(lines, [str(line.get_label()) for line in lines], frameon=False, loc="center left")


def _name_ticks(axes: Axes, rows: list[Row]) -> None:
    workers = [row["workers"] for row in rows]
    axes.set_xticks(workers, [str(count) for count in workers])
    axes.minorticks_off()


def save(path: Path, plot: Any, below: str) -> None:
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    plot(axes)
    axes.set_xlabel(below)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
