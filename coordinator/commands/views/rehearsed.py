"""The results of a rehearsal for people: a table and a sentence. Rehearses nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coordinator.rehearsal.lines import Rehearsed, State
from infra.records import Json

CELL = 160  #: the most characters of a cell
_STYLES = {State.SUCCEEDED: "green", State.FAILED: "red", State.REFUSED: "yellow", State.UNSURE: "yellow"}


def rehearsed_view(lines: Sequence[Rehearsed]) -> RenderableType:
    table = Table(title="Rehearsed", title_justify="left")
    table.add_column("id", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("plan", overflow="fold")
    table.add_column("sure", justify="right", no_wrap=True)
    table.add_column("result, or why there is none", overflow="fold")
    for line in lines:
        sure = "" if line.confidence is None else f"{line.confidence:.2f}"
        table.add_row(Text(line.id), Text(line.state, style=_STYLES[line.state]), _types(line.plan), sure, _came(line))
    return Group(table, Text(summary(lines)))


def summary(lines: Sequence[Rehearsed]) -> str:
    """The results in one sentence: `3 lines: 2 succeeded, 1 refused; planning took 0.40 s at most`."""
    counts = Counter(line.state for line in lines)
    said = ", ".join(f"{counts[state]} {state}" for state in State if counts[state]) or "none"
    took = [line.seconds for line in lines if line.seconds is not None]
    head = f"{len(lines)} line{'' if len(lines) == 1 else 's'}: {said}"
    return f"{head}; planning took {max(took):.2f} s at most" if took else head


def _types(plan: Json | None) -> Text:
    """The job types of a plan's steps, in order."""
    steps = plan.get("steps") if plan else None
    named = [step.get("type") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    return Text(" → ".join(map(str, named)))


def _came(line: Rehearsed) -> Text:
    text = line.reason if line.state is not State.SUCCEEDED else json.dumps(line.result, ensure_ascii=False)
    text = text or ""
    return Text(text if len(text) <= CELL else f"{text[:CELL]}…")
