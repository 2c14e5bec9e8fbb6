"""A specialist's card: what it was trained on, where and when, and what it was measured at. Runs nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CARD = "card.md"
_SCORES = "## Measured"


@dataclass(frozen=True)
class Training:
    """The facts of one training run that a card states."""

    name: str
    base: str
    data: str  #: file name and number of examples
    options: str
    minutes: float
    final_loss: float
    device: str


def write_card(folder: Path, training: Training, curve: str | None = None) -> Path:
    """Write a fresh card; scores measured on an earlier adapter do not carry over. `curve`: a picture beside it."""
    path = folder / CARD
    picture = f"![loss and score, step by step]({curve})\n\n" if curve else ""
    path.write_text(
        f"""# {training.name}

- base: {training.base}, weights de-quantised from its GGUF, not the original bf16
- data: {training.data}
- training: LoRA, {training.options}; {training.minutes:.0f} minutes on {training.device}
- last loss: {training.final_loss:.3f}
- date: {today()}

{picture}{_SCORES}

| date | data | n | what | scores |
|---|---|---|---|---|
"""
    )
    return path


def add_score(folder: Path, data: str, n: int, scores: Mapping[str, float], what: str) -> None:
    """Append one measurement to the card. Raises FileNotFoundError if the specialist has no card yet."""
    line = ", ".join(f"{name} {value:.1f}" for name, value in scores.items())
    with (folder / CARD).open("r+") as card:
        card.seek(0, 2)
        card.write(f"| {today()} | {data} | {n} | {what} | {line} |\n")


def machine() -> str:
    """The processor's architecture and core count: enough to judge a speed, too little to find the machine."""
    return f"{os.cpu_count()} {platform.machine()} cores"


def today() -> str:
    return datetime.now(UTC).date().isoformat()
