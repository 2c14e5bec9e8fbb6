"""`table`: lists of equal length, joined side by side into rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

from specialists.functions.fields import VALUE, add_fields

Json = dict[str, Any]


class UnequalColumns(ValueError):
    """Its message is shown to people, so it counts cells and quotes none."""


class UnequalNames(ValueError):
    """Its message is shown to people, so it counts names and quotes none."""


def table(input: Json) -> Json:
    """Make one row for each position. An object brings its fields, and any other cell becomes `value`.

    With `names`, a field that several columns share is called `<name>_<field>` in each of them, so that the columns'
    order makes no difference. Without `names`, it gets its column's number from the second column on (`intent`,
    `intent_2`). It raises UnequalColumns and UnequalNames.
    """
    columns = [_column(column) for column in input["columns"]]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise UnequalColumns(f"the columns have {lengths} items; a table needs lists of equal length")
    names = input.get("names")
    cells = list(zip(*columns, strict=True))
    return {"rows": [_numbered(row) for row in cells] if names is None else _named(cells, columns, names)}


def _column(cells: list[Any]) -> list[Json]:
    """A null cell in a column of objects brings no field."""
    objects = any(isinstance(cell, dict) for cell in cells)
    return [{} if cell is None and objects else _fields(cell) for cell in cells]


def _fields(cell: Any) -> Json:
    return cell if isinstance(cell, dict) else {VALUE: cell}


def _numbered(cells: tuple[Json, ...]) -> Json:
    row: Json = {}
    for number, cell in enumerate(cells, 1):
        add_fields(row, cell, number)
    return row


def _named(cells: list[tuple[Json, ...]], columns: list[list[Json]], names: list[str]) -> list[Json]:
    if len(set(names)) != len(columns):
        raise UnequalNames(f"{len(columns)} columns need as many different names; there are {len(set(names))}")
    fields = [{field: None for cell in column for field in cell} for column in columns]
    shared = Counter(field for column in fields for field in column)
    called = [
        {field: f"{name}_{field}" if shared[field] > 1 else field for field in column}
        for name, column in zip(names, fields, strict=True)
    ]
    if max(Counter(each for column in called for each in column.values()).values(), default=1) > 1:
        raise UnequalNames("two columns would have a field of the same name; give them other names")
    return [
        {column[field]: value for cell, column in zip(row, called, strict=True) for field, value in cell.items()}
        for row in cells
    ]
