"""A specialist's card: its training (data, place, date) and its scores. Runs nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from specialists.measuring.facts import Trained

CARD = "card.md"
_SCORES = "## Measured"


def write_card(folder: Path, name: str, data: str, trained: Trained, loss: float, curve: str | None = None) -> Path:
    """Write a fresh card; scores measured on an earlier adapter do not carry over.

    `data`: file names and number of examples; `loss`: mean of the last steps, in nats a token; `curve`: a picture
    beside it.
    """
    path = folder / CARD
    picture = f"![loss and score, step by step]({curve})\n\n" if curve else ""
    path.write_text(
        f"""# {name}

- base: {trained.base}, weights de-quantised from its GGUF, not the original bf16
- data: {data}
- training: LoRA, {trained.options}; {trained.minutes:.0f} minutes on {trained.device}
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


def machine() -> str:
    """The processor's architecture and core count: enough to judge a speed, too little to find the machine."""
    return f"{os.cpu_count()} {platform.machine()} cores"


def today() -> str:
    return datetime.now(UTC).date().isoformat()
