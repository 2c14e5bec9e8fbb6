"""An end: what becomes of one frame's rows: shown, selected, counted, ordered, gone on with. Knows no steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from specialists.planning.parts.beliefs import Condition, Tally


@dataclass(frozen=True)
class End:
    """What becomes of one frame's rows."""

    shown: tuple[str, ...] = ()
    condition: Condition | None = None
    then: tuple[str, ...] = ()  #: types that only what was selected is given to
    tally: Tally | None = None
    elements: bool = False  #: what is selected are elements of the lists that each item has, not the items

    @property
    def needs(self) -> set[str]:
        """Job types that it looks at."""
        owners = {part.owner for part in (self.condition, self.tally) if part}
        return {*self.shown, *self.then, *owners}


def renamed(end: End, old: str, new: str) -> End:
    """`end` with what belongs to one application belonging to another of the same type."""
    condition, tally = end.condition, end.tally
    if condition and condition.owner == old:
        condition = replace(condition, owner=new)
    if tally and tally.owner == old:
        tally = replace(tally, owner=new)
    shown = tuple(new if name == old else name for name in end.shown)
    then = tuple(new if name == old else name for name in end.then)
    return replace(end, shown=shown, condition=condition, then=then, tally=tally)
