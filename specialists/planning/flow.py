"""What flows through the shipped functions: from the schemas of a step's arguments the schema of its output.

A plan that is checked with it knows what is behind `s2.rows` or `s3.items`, and what cannot be there. Schemas that say
nothing let everything pass. Knows neither steps nor references; runs no function.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from specialists.planning.conditions import condition_faults, measure_fault
from specialists.planning.literals import is_literal
from specialists.planning.paths import at, known, leaf, quoted, shown
from specialists.schemas import Json, either, kind_of

Faults = list[str]
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_OPEN: Json = {"type": "object", "additionalProperties": True}


def result_schema(job_type: str, args: Mapping[str, Any], schemas: Mapping[str, Json]) -> tuple[Json | None, Faults]:
    """The narrowest schema that is known of the output of a step of `job_type`, and what is wrong with its arguments.

    None: it is none of the shipped functions. `args`: the arguments, with references in them or not. `schemas`: the
    schema of each argument's value, by name; a list with `prefixItems` says that of each of its elements.
    """
    if job_type not in _FLOWS:
        return None, []
    faults: Faults = []
    return _FLOWS[job_type](_Call(args, schemas, faults)), faults


class _Call:
    """One step's arguments, and the faults found in them."""

    def __init__(self, args: Mapping[str, Any], schemas: Mapping[str, Json], faults: Faults) -> None:
        self.args = args
        self._schemas = schemas
        self.faults = faults

    def schema(self, name: str) -> Json:
        return self._schemas.get(name, {})

    def items(self, name: str = "items") -> Json:
        """The schema of the elements of an argument that is a list."""
        schema = self.schema(name)
        if "prefixItems" in schema:
            return _any_of(schema["prefixItems"])
        return schema.get("items", {}) if kind_of(schema) == "array" else {}

    def text(self, name: str) -> str | None:
        """An argument that the plan says itself."""
        value = self.args.get(name)
        return value if isinstance(value, str) and value else None

    def values(self, name: str = "field", items: str = "items") -> Json:
        """The schema at the field that an argument names: as it is, lists at its end too."""
        field = self.text(name)
        if field is None:
            return {}
        found = at(self.items(items), field)
        if found is None:
            where = "the items" if items == "items" else f"the items of {items}"
            self.faults.append(f"{name}: no {quoted(field)} in {where}; known: {known(self.items(items))}")
        return found or {}

    def measure(self, *kinds: str) -> Json:
        """As `values`, of a field that must hold numbers or dates."""
        values, field = self.values(), self.text("field")
        if field and (fault := measure_fault(values, field, *kinds)):
            self.faults.append(fault)
        return leaf(values)


def _table(call: _Call) -> Json:
    columns = call.schema("columns").get("prefixItems")
    names = call.args.get("names")
    if not columns:
        return _record(rows=_list(_OPEN))
    cells = [_cell(column) for column in columns]
    if not isinstance(names, list) or not is_literal(names):
        return _record(rows=_list(_OPEN if "names" in call.args else _numbered(cells)))
    if len(set(map(str, names))) != len(columns):
        call.faults.append(f"names: {len(columns)} columns need as many different names; there are {len(names)}")
        return _record(rows=_list(_OPEN))
    return _record(rows=_list(_named(cells, list(map(str, names)))))


def _cell(column: Json) -> Json:
    """What a cell of a column becomes in its row: an object's fields, or `value`."""
    cell = column.get("items", {}) if kind_of(column) == "array" else {}
    if "prefixItems" in column:
        cell = _any_of(column["prefixItems"])
    kind = kind_of(cell)
    if kind == "object":
        return cell
    return _OPEN if kind in (None, "null") else _record(value=cell)


def _numbered(cells: list[Json]) -> Json:
    """Rows whose shared fields have their column's number from the second on."""
    row: Json = {}
    required: set[str] = set()
    for number, cell in enumerate(cells, 1):
        if number > 1 and (_is_open(cells[0]) or _is_open(cell)):
            # What the open one has may stand where a field is missing, and have later ones numbered.
            return _object({name: row[name] if name in required else {} for name in row}, sorted(required), True)
        properties, needed = cell.get("properties", {}), cell.get("required", [])
        shared = [field for field in properties if field in row]
        numbered = {field: f"{field}_{number}" for field in shared}
        if any(name in row or name in properties for name in numbered.values()):
            return _OPEN  # names that are numbered twice
        for field in shared:
            if field not in required:
                row[field] = either(row[field], properties[field])
        row |= {numbered.get(field, field): schema for field, schema in properties.items()}
        required |= {numbered.get(field, field) for field in needed if field not in shared or field in required}
    return _object(row, sorted(required), _is_open(cells[0]))


def _is_open(schema: Json) -> bool:
    """Whether an object may have fields that its schema does not name."""
    return schema.get("additionalProperties", True) is not False


def _named(cells: list[Json], names: list[str]) -> Json:
    """Rows whose shared fields have their columns' names before them."""
    shared = Counter(field for cell in cells for field in cell.get("properties", {}))
    if any(map(_is_open, cells)):
        return _OPEN  # which fields are shared is not known
    row, required = {}, []
    for name, cell in zip(names, cells, strict=True):
        for field, schema in cell.get("properties", {}).items():
            called = f"{name}_{field}" if shared[field] > 1 else field
            row[called] = schema
            if field in cell.get("required", []):
                required.append(called)
    return _object(row, required, False)


def _filter(call: _Call) -> Json:
    found = len(call.faults)
    values = call.values()
    if len(call.faults) == found:
        call.faults += condition_faults(call.args, values, call.text("field") or "field")
    return _record(items=_list(call.items()), kept={"type": "integer"})


def _count(call: _Call) -> Json:
    counts = _record(value=leaf(call.values()), count={"type": "integer"})
    return _record(counts=_list(counts), total={"type": "integer"})


def _sum(call: _Call) -> Json:
    return _record(sum={"type": "integer" if kind_of(call.measure("number")) == "integer" else "number"})


def _average(call: _Call) -> Json:
    call.measure("number")
    return _record(average={"type": "number"})


def _extreme(name: str) -> Callable[[_Call], Json]:
    """A text may be a number's or a date's, so that nothing is known of what comes out."""

    def flow(call: _Call) -> Json:
        values = call.measure("number", "date")
        return _record(**{name: values if kind_of(values) in ("integer", "number") else {}})

    return flow


def _sort(call: _Call) -> Json:
    values, field = leaf(call.values()), call.text("field")
    if field and kind_of(values) == "object":
        call.faults.append(f"field: {field!r} holds records; name a field of theirs: {known(values)}")
    return _record(items=_list(call.items()))


def _top(call: _Call) -> Json:
    n = call.args.get("n")
    if isinstance(n, int) and n <= 0:
        call.faults.append(f"n: {n} is not above 0")
    if "field" in call.args:
        call.measure("number", "date")
    elif call.args.get("smallest") is True:
        call.faults.append("smallest: say of which field")
    return _record(items=_list(call.items()))


def _unique(call: _Call) -> Json:
    return _record(values=_list(leaf(call.values()) if "field" in call.args else call.items()))


def _pick(call: _Call) -> Json:
    return _record(values=_list(call.values()))


def _group(call: _Call) -> Json:
    return _record(groups=_list(_record(value=leaf(call.values()), items=_list(call.items()))))


def _join(call: _Call) -> Json:
    call.values("on", "left")
    call.values("on", "right")
    left, right = (_cell(_list(call.items(side))) for side in ("left", "right"))
    key = call.text("on")
    if key is None:
        return _record(rows=_list(_OPEN))
    properties = {name: schema for name, schema in right.get("properties", {}).items() if name != key}
    required = [name for name in right.get("required", []) if name != key]
    return _record(rows=_list(_numbered([left, _object(properties, required, _is_open(right))])))


def _flatten(call: _Call) -> Json:
    items = call.items()
    kind = kind_of(items)
    if kind not in (None, "array", "null"):
        call.faults.append(f"items: each is {kind}, no list; there is nothing to flatten")
    return _record(items=_list(items.get("items", {}) if kind == "array" else {}))


def _template(call: _Call) -> Json:
    values, template = call.schema("values"), call.text("template")
    if kind_of(values) == "array":
        values = call.items("values")
    names = dict.fromkeys(found[1].strip() for found in _PLACE.finditer(template or "") if found[1])
    if missing := [name for name in names if at(values, name) is None]:
        call.faults.append(f"template: no {shown(map(quoted, missing))} in the values; known: {known(values)}")
    return _record(text={"type": "string"})


_FLOWS: dict[str, Callable[[_Call], Json]] = {
    "table": _table,
    "filter": _filter,
    "count": _count,
    "sum": _sum,
    "average": _average,
    "min": _extreme("min"),
    "max": _extreme("max"),
    "sort": _sort,
    "top": _top,
    "unique": _unique,
    "pick": _pick,
    "group": _group,
    "join": _join,
    "flatten": _flatten,
    "template": _template,
}


def _any_of(schemas: list[Json]) -> Json:
    found = schemas[0] if schemas else {}
    for schema in schemas[1:]:
        found = either(found, schema)
    return found


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _record(**properties: Json) -> Json:
    return _object(properties, list(properties), False)


def _object(properties: Json, required: list[str], is_open: bool) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": is_open}
