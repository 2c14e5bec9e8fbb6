"""Figures as Markdown tables, and summaries of many figures. Measures nothing."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]


def show(rows: Sequence[Row], caption: str = "") -> None:
    """Print the rows as a table. All rows have the columns of the first."""
    print(f"\n| {' | '.join(rows[0])} |\n|{' --- |' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(map(_text, row.values()))} |")
    if caption:
        print(f"\n{caption.strip()}", flush=True)


def percentile(values: Sequence[float], percent: int) -> float:
    """The percentile of at least one value."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
