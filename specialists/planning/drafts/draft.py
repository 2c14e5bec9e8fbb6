"""A draft: steps in the making. Every draft is well typed by how it is built.

A draft knows lists (an input, what a job type gave for each of its items, rows that were put together) and single
values. It knows no goal and no probability.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from specialists.planning.drafts.rows import Column, Rows
from specialists.planning.offers.offer import Offer
from specialists.planning.parts.place import Place
from specialists.schemas import Json

ITEM = "item"
MERGED = "\0rows"  #: the owner of a column that holds rows merged before


def reference(path: str) -> Json:
    return {"$ref": path}


class Draft:
    """Steps in the making."""

    def __init__(self) -> None:
        self.steps: list[Json] = []

    def add(self, type: str, args: Json, over: str | None = None) -> str:
        """The new step's id; the same step twice is one."""
        body: Json = {"type": type, "args": args}
        if over is not None:
            body = {"type": type, "map": {"over": reference(over), "as": ITEM}, "args": args}
        for step in self.steps:
            if {name: value for name, value in step.items() if name != "id"} == body:
                return str(step["id"])
        step_id = f"s{len(self.steps) + 1}"
        self.steps.append({"id": step_id, **body})
        return step_id

    def merge(self, rows: Rows) -> Rows:
        """`rows` with all of its columns side by side, by a table; as it is where they are already."""
        if rows.merged is not None:
            return rows
        step = self.add("table", {"columns": [reference(column.ref) for column in rows.columns]})
        named: dict[tuple[str, str], str] = {}
        taken: set[str] = set()
        for number, column in enumerate(rows.columns, 1):
            if column.owner == MERGED:  # always the first one: its names stay
                named |= rows.named
                taken |= set(rows.named.values())
                continue
            for name in column.names or ("",):
                written = name or "value"
                written = f"{written}_{number}" if written in taken else written
                taken.add(written)
                named[column.owner, name] = written
        return Rows(rows.columns, f"{step}.rows", named)

    def one_list(self, rows: Rows, owners: Iterable[str]) -> tuple[Rows, str]:
        """A list whose elements hold what `owners` have, as rows and a reference to it."""
        wanted = set(owners)
        apart = {column.owner: column.ref for column in rows.columns}
        if rows.merged is None and len(wanted) == 1 and (owner := next(iter(wanted))) in apart:
            return rows, apart[owner]
        merged = self.merge(rows)
        assert merged.merged is not None
        return merged, merged.merged

    def item_path(self, rows: Rows, place: Place) -> str:
        """What an element of `rows` calls the value at `place`, as a path behind `item`."""
        if rows.merged is None and any(column.owner == place.owner for column in rows.columns):
            return place.path
        head, dot, rest = place.path.partition(".")
        if (place.owner, head) in rows.named:
            return rows.named[place.owner, head] + dot + rest
        return rows.named[place.owner, ""]

    def apply(self, offer: Offer, args: Json) -> str:
        return self.add(offer.name, args)

    def apply_each(self, offer: Offer, rows: Rows, bound: Sequence[tuple[str, Place]], fixed: Json) -> tuple[Rows, str]:
        """`offer` for each element of `rows`: `bound` parameters from the element, `fixed` ones as they are.

        Returns the rows that what it gave stands beside, and the step's id."""
        rows, over = self.one_list(rows, {place.owner for _, place in bound})
        args = {}
        for name, place in bound:
            path = self.item_path(rows, place)
            args[name] = reference(f"{ITEM}.{path}" if path else ITEM)
        step = self.add(offer.name, {**args, **fixed}, over)
        return rows, step

    def with_column(self, rows: Rows, owner: str, ref: str, fields: Sequence[str]) -> Rows:
        """`rows` with one more list beside the others. Of merged rows a new table begins."""
        column = Column(owner, ref, tuple(fields))
        if rows.merged is None:
            return Rows([*rows.columns, column], named=rows.named)
        return Rows([Column(MERGED, rows.merged, ()), column], named=rows.named)
