"""A specialist's card: its training (data, place, date) and its scores. Runs nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from specialists.measuring.facts import Rung, Trained

CARD = "card.md"
_SCORES = "## Measured"


@dataclass(frozen=True)
class Made:
    """How the card says what a specialist was made of."""

    base: str
    how: str  #: the training


def write_card(
    folder: Path, name: str, data: str, trained: Trained, made: Made, loss: float, curve: str | None = None
) -> Path:
    """Write a fresh card; scores measured on an earlier adapter do not carry over.

    `data`: file names and number of examples; `loss`: mean of the last steps, in nats a token; `curve`: a picture
    beside it.
    """
    path = folder / CARD
    picture = f"![loss and score, step by step]({curve})\n\n" if curve else ""
    path.write_text(
        f"""# {name}

- base: {made.base}
- data: {data}
- training: {made.how}; {trained.minutes:.0f} minutes on {trained.device}
- last loss: {loss:.3f}
- date: {trained.date}

{picture}{_SCORES}

| date | data | n | what | scores |
|---|---|---|---|---|
"""
    )
    return path


def add_score(folder: Path, data: str, n: int, scores: Mapping[str, float], what: str) -> None:
    """Append one measurement to the card. It raises FileNotFoundError if the specialist has no card yet."""
    line = ", ".join(f"{name} {value:.1f}" for name, value in scores.items())
    with (folder / CARD).open("r+") as card:
        card.seek(0, 2)
        card.write(f"| {today()} | {data} | {n} | {what} | {line} |\n")


def add_ladder(folder: Path, rows: Sequence[Rung], n: int, warning: str | None) -> None:
    """Put the table of the models that were tried before the scores. `n`: the development examples it is of."""
    path = folder / CARD
    text = path.read_text()
    metric = next((row.metric for row in rows if row.metric), "score")
    head = f"## Ladder\n\nTried on {n} development examples; the one in bold is installed.\n\n"
    told = f"**Warning:** {warning}.\n\n" if warning else ""
    table = f"| model | {metric} | 95 % interval | jobs/s | memory, MiB | minutes |\n|---|---|---|---|---|---|\n"
    lines = "".join(map(_ladder_line, rows))
    path.write_text(text.replace(_SCORES, f"{head}{told}{table}{lines}\n{_SCORES}", 1))


def _ladder_line(row: Rung) -> str:
    name = f"**{row.name}**" if row.picked else row.name
    if not row.scores:
        return f"| {name} | left out: {row.left_out} | | | | |\n"
    scores, (low, high) = " and ".join(f"{each:.1f}" for each in row.scores), row.interval
    figures = f"{row.jobs_per_s:.0f} | {row.memory_mib:.0f} | {row.minutes:.1f}"
    return f"| {name} | {scores} | {low:.1f} to {high:.1f} | {figures} |\n"


def machine() -> str:
    """The processor's architecture and core count: enough to judge a speed, too little to find the machine."""
    return f"{os.cpu_count()} {platform.machine()} cores"


def today() -> str:
    return datetime.now(UTC).date().isoformat()
