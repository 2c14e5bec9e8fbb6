"""Pictures of the report. Knows its entries and matplotlib; measures nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from specialists.measuring.report import Entry

INK, GUIDE = "#2563eb", "#d97706"


def draw(entries: Sequence[Entry], folder: Path) -> list[str]:
    """Draw the pictures that the entries have figures for, and return the names of their files."""
    known = [entry for entry in entries if entry.measured]
    drawn = []
    if known:
        _save(folder / "report-scores.png", lambda axes: _scores(axes, known))
        drawn.append("report-scores.png")
    if sure := [entry for entry in known if entry.measured and entry.measured.confidence]:
        _save(folder / "report-coverage.png", lambda axes: _coverage(axes, sure))
        drawn.append("report-coverage.png")
    if curved := [entry for entry in entries if len(entry.facts.budgets) > 1]:
        _save(folder / "report-budgets.png", lambda axes: _budgets(axes, curved))
        drawn.append("report-budgets.png")
    return drawn


def _save(path: Path, fill: Callable[[Any], None]) -> None:
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    fill(axes)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def _scores(axes: Any, entries: Sequence[Entry]) -> None:
    labels = []
    for place, entry in enumerate(reversed(entries)):
        assert entry.measured
        metric = entry.metrics()[0]
        value, (low, high) = entry.measured.metrics[metric], entry.measured.intervals[metric]
        labels.append(f"{entry.name}\n{metric}")
        axes.errorbar(
            value, place, xerr=[[max(0.0, value - low)], [max(0.0, high - value)]], fmt="o", color=INK, capsize=3
        )
        published = sorted((each for each in entry.references if each.metric == metric), key=lambda each: each.value)
        for n, each in enumerate(published):
            axes.plot(each.value, place, "|", color=GUIDE, markersize=14)
            # Above and below by turns, since neighbours would cover each other's names.
            above = (0, 9) if n % 2 else (0, -14)
            axes.annotate(each.who, (each.value, place), above, textcoords="offset points", fontsize=6, ha="center")
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.set(
        xlabel="percent: ours with its 95 % interval, and what others published", xlim=(None, 100), ylim=(-0.6, None)
    )


def _coverage(axes: Any, entries: Sequence[Entry]) -> None:
    for entry in entries:
        assert entry.measured
        assert entry.measured.confidence
        rows = entry.measured.confidence.coverage
        axes.plot([row.coverage for row in rows], [row.right for row in rows], "o-", markersize=3, label=entry.name)
    axes.set(xlabel="answers kept, the surest, percent", ylabel="of them exactly right, percent")
    axes.legend(frameon=False, fontsize=7, ncols=2)


def _budgets(axes: Any, entries: Sequence[Entry]) -> None:
    for entry in entries:
        metric = entry.metrics()[0] if entry.measured else next(iter(entry.facts.budgets[0].metrics))
        rows = [each for each in entry.facts.curve if metric in each.metrics]
        axes.plot(
            [each.examples for each in rows],
            [each.metrics[metric] for each in rows],
            "o-",
            label=f"{entry.name}, {metric}",
        )
    axes.set(xscale="log", xlabel="training examples", ylabel="percent")
    axes.legend(frameon=False, fontsize=7)
