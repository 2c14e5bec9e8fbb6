"""The writer: writes a core and its ends as steps. A plan's score only passes through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specialists.planning.drafts.draft import Draft, reference
from specialists.planning.drafts.frames import Frames
from specialists.planning.drafts.rows import Column, Rows
from specialists.planning.offers.given import Given
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import ORDERS, Condition, Tally
from specialists.planning.parts.candidate import Candidate
from specialists.planning.parts.core import ALONE, Core
from specialists.planning.parts.end import End
from specialists.planning.parts.place import Place
from specialists.schemas import Json


class Writer:
    def __init__(self, request: Request, core: Core, given: Mapping[str, Given]) -> None:
        """`given`: the inputs by owner name, as `owner_of` writes it."""
        self._core = core
        self._by_name = {application.name: application for application in core.applications}
        self._draft = Draft()
        self._frames = Frames(self._draft, request, given)
        self._selected: list[tuple[str, Condition]] = []

    def write(self, ends: Sequence[End], score: float) -> Candidate:
        later = {name for end in ends for name in end.then}
        for application in self._core.applications:
            if application.name not in later:
                self._frames.apply(application)
        for end in ends:
            self._end(end)
        return Candidate(score, self._draft.steps, tuple(self._selected), self._core, tuple(ends))

    def _end(self, end: End) -> None:
        frame = self._frame_of(end)
        if frame == ALONE:
            self._end_alone(end)
        elif end.elements and end.condition:
            self._end_elements(end.condition)
        else:
            self._end_rows(end, frame)

    def _frame_of(self, end: End) -> str:
        names = [*end.shown, *end.then]
        owner = end.tally.owner if end.tally else end.condition.owner if end.condition else ""
        if names:
            return self._by_name[names[0]].frame
        return self._by_name[owner].frame if owner in self._by_name else owner

    def _end_alone(self, end: End) -> None:
        """Write an end over a list in the output of a type that is applied once."""
        part = end.tally or end.condition
        if part is None or not part.field.lists or not part.field.lists[-1]:
            return
        path = part.field.lists[-1]
        rows = self._frames.elements_alone(part.owner, path)
        if end.condition:
            rows = self._select(rows, end.condition, part.owner, path)
        if end.tally:
            self._tally(rows, end.tally, path)

    def _end_elements(self, condition: Condition) -> None:
        """Write a selection among the elements of the lists that each item has."""
        (path,) = condition.field.lists
        rows = self._frames.elements_of_all(condition.owner, path)
        self._select(rows, condition, condition.owner, path)

    def _end_rows(self, end: End, frame: str) -> None:
        rows = self._frames.rows(frame)
        if end.condition:
            rows = self._select(rows, end.condition, end.condition.owner)
        for name in end.then:
            rows = self._frames.apply_to(self._by_name[name], rows)
        if end.tally:
            self._tally(rows, end.tally)
        elif not end.condition and len(end.shown) > 1:
            self._show(rows, (frame, *end.shown))

    def _show(self, rows: Rows, owners: Sequence[str]) -> None:
        """Put the columns of `owners` side by side, and leave out those of other job types."""
        wanted = [column for column in rows.columns if column.owner in owners or column.owner not in self._by_name]
        self._draft.merge(Rows(wanted, rows.merged, rows.named))

    def _select(self, rows: Rows, condition: Condition, owner: str, inside: str = "") -> Rows:
        """Write a filter and return the rows that it leaves; `inside`: the path of the list that has the rows."""
        rows = self._one_list(rows)
        name = self._draft.item_path(rows, _place(owner, condition.field.path, inside))
        args: Json = {"items": reference(_ref(rows)), "field": name, condition.operator: condition.value}
        step = self._draft.add("filter", args | ({"negate": True} if condition.negate else {}))
        self._selected.append((step, condition))
        if rows.merged is None:
            column = rows.columns[0]
            return Rows([Column(column.owner, f"{step}.items", column.names)])
        return Rows(rows.columns, f"{step}.items", rows.named)

    def _tally(self, rows: Rows, tally: Tally, inside: str = "") -> None:
        place = _place(tally.owner, tally.field.path, inside)
        if tally.function in (*ORDERS, "group"):
            rows = self._one_list(rows)
        elif rows.merged is None:
            rows = Rows([column for column in rows.columns if column.owner == tally.owner])
        rows = _holding(rows, place)
        path = self._draft.item_path(rows, place)
        args: Json = {"items": reference(_ref(rows)), **({"field": path} if path else {}), **dict(tally.options)}
        self._draft.add(tally.function, args)

    def _one_list(self, rows: Rows) -> Rows:
        return self._draft.merge(rows) if rows.merged is None and len(rows.columns) > 1 else rows


def _place(owner: str, path: str, inside: str) -> Place:
    """Return the place of a field as elements of the list at `inside` have it."""
    return Place(owner, path[len(inside) + 1 :] if inside else path)


def _ref(rows: Rows) -> str:
    return rows.merged or rows.columns[0].ref


def _holding(rows: Rows, place: Place) -> Rows:
    """Return `rows`, or only their unmerged columns if the value at `place` is in those alone."""
    if rows.merged is None or (place.owner, place.path.partition(".")[0]) in rows.named or not rows.columns:
        return rows
    merged = {owner for owner, _ in rows.named}
    apart = [column for column in rows.columns if column.owner == place.owner and column.owner not in merged]
    return Rows(apart) if apart else rows
