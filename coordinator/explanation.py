"""An explanation: why a goal in words has come to no plan, or to several. Knows no ledger and no planner.

The planner says what is missing, and which job types come nearest, in its reason alone; it is read off that sentence.
"""

from __future__ import annotations

import re

from coordinator.run import Run
from infra.records import Json, RunState

_NEAREST = re.compile(r"; nearest: (.+)$")
_NEEDS = re.compile(r"^(\S+) needs ('[^']+'(?:, '[^']+')*), and nothing ")
_QUOTED = re.compile(r"'([^']+)'")

TO_CONFIRM = "this is to be confirmed before it runs"


def explanation(run: Run) -> Json | None:
    """Of a run that is unsure or refused, or has ended while it was unsure; None: it came to a plan, or to none yet.

    `why` is one sentence, `missing` names parameters that nothing in the goal gives, of the first of the job types in
    `nearest`, those first that come nearest to what is asked. The plans that were considered are the run's candidates.
    """
    if run.state is not RunState.REFUSED and not run.candidates:
        return None
    return {"why": run.reason or TO_CONFIRM, "missing": _missing(run.reason), "nearest": _nearest(run.reason)}


def _nearest(reason: str) -> list[str]:
    if found := _NEAREST.search(reason):
        return found[1].split(", ")
    return [found[1]] if (found := _NEEDS.match(reason)) else []


def _missing(reason: str) -> list[str]:
    found = _NEEDS.match(reason)
    return _QUOTED.findall(found[2]) if found else []
