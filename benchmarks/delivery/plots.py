"""Pictures of the results of `benchmarks.delivery.run`. Knows its result and matplotlib; measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.delivery.tables import Row

mpl.use("Agg")

INK, SECOND, GUIDE = "#2563eb", "#d97706", "#9ca3af"
WIDTH, HEIGHT = 4.6, 3.4  # inches of each plot


def draw(found: Mapping[str, Row], folder: Path) -> None:
    """Draw every picture that there are figures for."""
    for part, paint in PICTURES.items():
        if part in found:
            paint(found[part], folder)


def _map(found: Row, folder: Path) -> None:
    rows = found["rows"]
    items = [row["items"] for row in rows]

    def time(axes: Axes) -> None:
        axes.plot(items, [row["ms_a_job"] for row in rows], "o-", color=INK, label="from submit to end")
        axes.plot(items, [row["coordinator_ms_a_job"] for row in rows], "s-", color=SECOND, label="CPU, coordinator")
        axes.set(xscale="log", xlabel="items of the map", ylabel="ms a job")

    def memory(axes: Axes) -> None:
        axes.plot(items, [row["over_idle_mb"] for row in rows], "o-", color=INK, label="coordinator, over idle")
        axes.plot(items, [row["bytes_waiting"] * row["items"] / 1e6 for row in rows], "s-", color=SECOND, label="Redis")
        axes.set(xlabel="items of the map", ylabel="MB")

    _save(folder / "delivery-map.png", time, memory)


def _overload(found: Row, folder: Path) -> None:
    scenes = found["scenes"]
    _save(folder / "delivery-overload.png", *(partial(_latency, *scene) for scene in scenes.items()))
    shown = scenes["deadline"]
    _save(folder / "delivery-retry.png", lambda axes: _told(axes, shown), lambda axes: _waits(axes, shown))


def _latency(name: str, found: Row, axes: Axes) -> None:
    bins = [each for each in found["bins"] if each["p50_s"] is not None]
    axes.plot(
        [each["at_s"] for each in bins], [each["p50_s"] for each in bins], "o-", color=INK, label="p50 of those let in"
    )
    axes.plot([each["at_s"] for each in bins], [each["p99_s"] for each in bins], "s-", color=SECOND, label="p99")
    axes.set(xlabel=f"s since the overload began; bound by {name}", ylabel="from accepted to answered, s")
    refused = [each for each in found["bins"] if each["refused"] is not None]
    beside = axes.twinx()
    beside.bar([each["at_s"] for each in refused], [each["refused"] for each in refused], 3.0, color=GUIDE, alpha=0.35)
    beside.set(ylim=(0, 1), ylabel="refused, of first requests")


def _told(axes: Axes, found: Row) -> None:
    let_in = [(told, actual) for told, actual in found["told"] if actual is not None]
    axes.plot(*_columns(let_in), ".", color=INK, alpha=0.4, label="each who was let in")
    longest = max((told for told, _ in found["told"]), default=1)
    axes.plot([0, longest], [0, longest], color=GUIDE, label="as told")
    axes.set(xlabel="first Retry-After, s", ylabel="until let in, s")


def _waits(axes: Axes, found: Row) -> None:
    axes.plot(*_columns(found["waits"]), ".", color=SECOND, alpha=0.4, label="each job done")
    longest = max((predicted for predicted, _ in found["waits"]), default=1)
    axes.plot([0, longest], [0, longest], color=GUIDE, label="as predicted")
    axes.set(xlabel="predicted wait, s", ylabel="actual wait, s")


def _retention(found: Row, folder: Path) -> None:
    samples, row = found["samples"], found["row"]

    def memory(axes: Axes) -> None:
        axes.plot(samples["at_s"], samples["mb"], color=INK, label="Redis, over empty")
        axes.axvline(row["retention_s"], color=GUIDE, linestyle="--", label="the first is forgotten")
        axes.set(xlabel="s", ylabel="MB")

    def ended(axes: Axes) -> None:
        axes.plot(samples["at_s"], samples["jobs"], color=SECOND, label="jobs that have ended")
        axes.set(xlabel="s", ylabel="jobs")

    _save(folder / "delivery-retention.png", memory, ended)


PICTURES: dict[str, Callable[[Row, Path], None]] = {"map": _map, "overload": _overload, "retention": _retention}


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _save(path: Path, *plots: Callable[[Axes], object]) -> None:
    """Save the plots side by side in one picture."""
    figure = Figure(figsize=(WIDTH * len(plots), HEIGHT), layout="constrained")
    for axes, plot in zip(figure.subplots(1, len(plots), squeeze=False)[0], plots, strict=True):
        plot(axes)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
