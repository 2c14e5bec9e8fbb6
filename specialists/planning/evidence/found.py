"""The findings about a goal: evidence for each part that its plan may have. Weighs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from specialists.planning.evidence.logistic import Evidence
from specialists.planning.parts.beliefs import Condition, Tally

Source = tuple[str, str, tuple[str, ...]]  #: job type, parameter, key of the source


@dataclass
class Found:
    """All that was found about the parts of a goal's plan."""

    wants: dict[str, float]  #: scores before the sigmoid
    types: dict[str, Evidence]
    binds: dict[Source, Evidence] = field(default_factory=dict)
    conditions: list[tuple[Condition, Evidence]] = field(default_factory=list)
    tallies: list[tuple[Tally, Evidence]] = field(default_factory=list)
    literals: list[tuple[tuple[str, str], Any, Evidence]] = field(default_factory=list)
    #: Like `wants`: the highest score that any piece of the goal has by itself.
    pieces: dict[str, float] = field(default_factory=dict)
