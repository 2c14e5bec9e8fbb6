"""Rows: the schema that a table or a join makes of its columns. It names fields as the two functions name them."""

from __future__ import annotations

from collections import Counter

from specialists.planning.flow.call import Call
from specialists.planning.flow.literals import is_literal
from specialists.planning.flow.shapes import OPEN, any_of, is_open, list_of, object_of, record_of
from specialists.schemas import Json, either, kind_of


def table(call: Call) -> Json:
    columns = call.schema("columns").get("prefixItems")
    names = call.args.get("names")
    if not columns:
        return record_of(rows=list_of(OPEN))
    cells = [cell_of(column) for column in columns]
    if not isinstance(names, list) or not is_literal(names):
        return record_of(rows=list_of(OPEN if "names" in call.args else numbered(cells)))
    if len(set(map(str, names))) != len(columns):
        call.faults.append(f"names: {len(columns)} columns need as many different names; there are {len(names)}")
        return record_of(rows=list_of(OPEN))
    return record_of(rows=list_of(_named(cells, list(map(str, names)))))


def join(call: Call) -> Json:
    call.values("on", "left")
    call.values("on", "right")
    left, right = (cell_of(list_of(call.items(side))) for side in ("left", "right"))
    key = call.text("on")
    if key is None:
        return record_of(rows=list_of(OPEN))
    properties = {name: schema for name, schema in right.get("properties", {}).items() if name != key}
    required = [name for name in right.get("required", []) if name != key]
    return record_of(rows=list_of(numbered([left, object_of(properties, required, is_open(right))])))


def cell_of(column: Json) -> Json:
    """The schema of a row made of one cell: an object's own fields, or a field `value`."""
    cell = column.get("items", {}) if kind_of(column) == "array" else {}
    if "prefixItems" in column:
        cell = any_of(column["prefixItems"])
    kind = kind_of(cell)
    if kind == "object":
        return cell
    return OPEN if kind in (None, "null") else record_of(value=cell)


def numbered(cells: list[Json]) -> Json:
    """Rows in which a field that an earlier column has too gets its column's number behind its name."""
    row: Json = {}
    required: set[str] = set()
    for number, cell in enumerate(cells, 1):
        if number > 1 and (is_open(cells[0]) or is_open(cell)):
            # An open cell may fill in a field that is missing here, and may have the fields of later cells numbered.
            return object_of({name: row[name] if name in required else {} for name in row}, sorted(required), True)
        properties, needed = cell.get("properties", {}), cell.get("required", [])
        shared = [field for field in properties if field in row]
        numbered = {field: f"{field}_{number}" for field in shared}
        if any(name in row or name in properties for name in numbered.values()):
            return OPEN  # a numbered name is taken already
        for field in shared:
            if field not in required:
                row[field] = either(row[field], properties[field])
        row |= {numbered.get(field, field): schema for field, schema in properties.items()}
        required |= {numbered.get(field, field) for field in needed if field not in shared or field in required}
    return object_of(row, sorted(required), is_open(cells[0]))


def _named(cells: list[Json], names: list[str]) -> Json:
    """Rows in which a field that several columns have gets its column's name before it."""
    shared = Counter(field for cell in cells for field in cell.get("properties", {}))
    if any(map(is_open, cells)):
        return OPEN  # it is unknown which fields are shared
    row, required = {}, []
    for name, cell in zip(names, cells, strict=True):
        for field, schema in cell.get("properties", {}).items():
            called = f"{name}_{field}" if shared[field] > 1 else field
            row[called] = schema
            if field in cell.get("required", []):
                required.append(called)
    return object_of(row, required, False)
