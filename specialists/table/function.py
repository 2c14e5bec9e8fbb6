"""`table`: lists of equal length, joined side by side into rows."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class UnequalColumns(ValueError):
    """Its words are shown to people: they count cells and quote none."""


def table(input: Json) -> Json:
    """One row a position. Objects bring their fields, anything else becomes `value`; a name that two columns share
    gets its column's number from the second on (`intent`, `intent_2`). Raises UnequalColumns."""
    columns: list[list[Any]] = input["columns"]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise UnequalColumns(f"the columns have {lengths} items; a table needs lists of equal length")
    rows = []
    for cells in zip(*columns, strict=True):
        row: Json = {}
        for number, cell in enumerate(cells, 1):
            for name, value in (cell if isinstance(cell, dict) else {"value": cell}).items():
                row[f"{name}_{number}" if name in row else name] = value
        rows.append(row)
    return {"rows": rows}
