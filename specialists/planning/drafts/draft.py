"""A draft: the steps of a plan that is being built. The way it is built keeps every draft well typed.

A draft has lists (an input, the outputs of a job type for a list's items, rows that were put together) and single
values. It knows no goal and no probability.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from specialists.planning.drafts.rows import Column, Rows
from specialists.planning.offers.offer import Offer
from specialists.planning.parts.place import Place
from specialists.schemas import Json

ITEM = "item"
MERGED = "\0rows"  #: the owner of a column that holds rows merged earlier


def reference(path: str) -> Json:
    return {"$ref": path}


class Draft:
    """The steps of a plan that is being built."""

    def __init__(self) -> None:
        self.steps: list[Json] = []

    def add(self, type: str, args: Json, over: str | None = None) -> str:
        """Return the new step's id; a step that is there already is not added again."""
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
        """Return `rows` with all columns side by side in one table; rows that are merged already stay as they are."""
        if rows.merged is not None:
            return rows
        step = self.add("table", {"columns": [reference(column.ref) for column in rows.columns]})
        named: dict[tuple[str, str], str] = {}
        taken: set[str] = set()
        for number, column in enumerate(rows.columns, 1):
            if column.owner == MERGED:  # such a column is always the first one, so its names stay
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
        """Return a list whose elements hold the values of `owners`, as rows and as a reference."""
        wanted = set(owners)
        apart = {column.owner: column.ref for column in rows.columns}
        if rows.merged is None and len(wanted) == 1 and (owner := next(iter(wanted))) in apart:
            return rows, apart[owner]
        merged = self.merge(rows)
        assert merged.merged is not None
        return merged, merged.merged

    def item_path(self, rows: Rows, place: Place) -> str:
        """Return the path behind `item` at which an element of `rows` has the value at `place`."""
        if rows.merged is None and any(column.owner == place.owner for column in rows.columns):
            return place.path
        head, dot, rest = place.path.partition(".")
        if (place.owner, head) in rows.named:
            return rows.named[place.owner, head] + dot + rest
        return rows.named[place.owner, ""]

    def apply(self, offer: Offer, args: Json) -> str:
        return self.add(offer.name, args)

    def apply_each(self, offer: Offer, rows: Rows, bound: Sequence[tuple[str, Place]], fixed: Json) -> tuple[Rows, str]:
        """Apply `offer` to each element of `rows`: `bound` parameters come from it, `fixed` ones are the same for all.

        Returns the rows that the outputs stand beside, and the step's id.
        """
        rows, over = self.one_list(rows, {place.owner for _, place in bound})
        args = {}
        for name, place in bound:
            path = self.item_path(rows, place)
            args[name] = reference(f"{ITEM}.{path}" if path else ITEM)
        step = self.add(offer.name, {**args, **fixed}, over)
        return rows, step

    def with_column(self, rows: Rows, owner: str, ref: str, fields: Sequence[str]) -> Rows:
        """Add one more list beside the others. Merged rows become the first column of new rows."""
        column = Column(owner, ref, tuple(fields))
        if rows.merged is None:
            return Rows([*rows.columns, column], named=rows.named)
        return Rows([Column(MERGED, rows.merged, ()), column], named=rows.named)
