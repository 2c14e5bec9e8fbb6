"""A thing: a value of a plan, named by its origin. The normal form names values so. Knows no steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_NUMBERED = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Thing:
    """A value of the plan as the normal form names it: by its origin, or by that of its elements."""

    origin: str
    source: str  #: the job type or the input that it comes from
    path: str = ""  #: its path inside the source
    names: frozenset[str] = frozenset()  #: the names of the fields that it is known to have
    columns: tuple[Thing, ...] = ()  #: the columns of rows that were put together
    kept: tuple[str, ...] = ()
    elements: bool = False  #: it is a flat list of the elements of lists that the items hold

    def at(self, names: Sequence[str]) -> Thing:
        if not names:
            return self
        if self.columns:
            column, name = self._column(names[0])
            found = replace(column, kept=self.kept)
            return found if name is None else found.at([name, *names[1:]])
        path = ".".join([*filter(None, [self.path]), *names])
        return Thing(".".join([self.origin, *names]), self.source, path, kept=self.kept)

    def _column(self, name: str) -> tuple[Thing, str | None]:
        plain = _NUMBERED.sub("", name)
        for wanted in (name, plain):
            if having := [column for column in self.columns if wanted in column.names]:
                return having[0 if wanted == name else -1], wanted  # a numbered name belongs to a later column
        bare = [column for column in self.columns if not column.names]
        if plain == "value" and bare:
            return bare[0], None
        return (bare or list(self.columns))[0], plain
