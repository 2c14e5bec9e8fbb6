"""An end: one frame's rows are shown, selected, counted, ordered or given to further job types. Knows no steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from specialists.planning.parts.beliefs import Condition, Tally


@dataclass(frozen=True)
class End:
    """The last part of a plan for one frame's rows."""

    shown: tuple[str, ...] = ()
    condition: Condition | None = None
    then: tuple[str, ...] = ()  #: job types that are applied to the selected rows only
    tally: Tally | None = None
    elements: bool = False  #: the condition selects elements of the lists that each item has, not the items

    @property
    def needs(self) -> set[str]:
        """The job types whose outputs it needs."""
        owners = {part.owner for part in (self.condition, self.tally) if part}
        return {*self.shown, *self.then, *owners}


def renamed(end: End, old: str, new: str) -> End:
    """Return `end` with the name of one application of a job type replaced by that of another."""
    condition, tally = end.condition, end.tally
    if condition and condition.owner == old:
        condition = replace(condition, owner=new)
    if tally and tally.owner == old:
        tally = replace(tally, owner=new)
    shown = tuple(new if name == old else name for name in end.shown)
    then = tuple(new if name == old else name for name in end.then)
    return replace(end, shown=shown, condition=condition, then=then, tally=tally)
