"""What was found about a goal: evidence for each part of a plan that it may mean. Weighs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specialists.planning.evidence.logistic import Evidence
from specialists.planning.parts.beliefs import Condition, Tally

Source = tuple[str, str, tuple[str, ...]]  #: job type, parameter, the source's key


@dataclass
class Found:
    """All that was found about a goal's parts."""

    wants: dict[str, float]  #: numbers, before any sigmoid
    types: dict[str, Evidence]
    binds: dict[Source, Evidence] = field(default_factory=dict)
    conditions: list[tuple[Condition, Evidence]] = field(default_factory=list)
    tallies: list[tuple[Tally, Evidence]] = field(default_factory=list)
    literals: list[tuple[tuple[str, str], Any, Evidence]] = field(default_factory=list)
    pieces: dict[str, float] = field(default_factory=dict)  #: like `wants`, the most of any part of the goal by itself
