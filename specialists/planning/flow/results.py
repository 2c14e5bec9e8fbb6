"""Results of the shipped functions: the schema of a step's output, from the schemas of its arguments.

A plan that is checked with it knows the values behind `s2.rows` or `s3.items`, and the fields that cannot be there.
Schemas that say nothing let everything pass. It knows neither steps nor references, and it runs no function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from specialists.planning.flow.call import Call, Faults
from specialists.planning.flow.conditions import condition_faults
from specialists.planning.flow.paths import at, known, leaf, quoted, shown
from specialists.planning.flow.rows import join, table
from specialists.planning.flow.shapes import list_of, record_of
from specialists.schemas import Json, kind_of

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")


def result_schema(job_type: str, args: Mapping[str, Any], schemas: Mapping[str, Json]) -> tuple[Json | None, Faults]:
    """Return the narrowest known schema of the output of a step of `job_type`, and the faults of its arguments.

    The schema is None if the job type is none of the shipped functions. `args`: the arguments, which may hold
    references. `schemas`: the schema of each argument's value, by name; a list with `prefixItems` gives one for each
    element.
    """
    if job_type not in _FLOWS:
        return None, []
    faults: Faults = []
    return _FLOWS[job_type](Call(args, schemas, faults)), faults


def _filter(call: Call) -> Json:
    found = len(call.faults)
    values = call.values()
    if len(call.faults) == found:
        call.faults += condition_faults(call.args, values, call.text("field") or "field")
    return record_of(items=list_of(call.items()), kept={"type": "integer"})


def _count(call: Call) -> Json:
    counts = record_of(value=leaf(call.values()), count={"type": "integer"})
    return record_of(counts=list_of(counts), total={"type": "integer"})


def _sum(call: Call) -> Json:
    return record_of(sum={"type": "integer" if kind_of(call.measure("number")) == "integer" else "number"})


def _average(call: Call) -> Json:
    call.measure("number")
    return record_of(average={"type": "number"})


def _extreme(name: str) -> Callable[[Call], Json]:
    """Return the flow of `min` or `max`. A text may be a number or a date, so its output stays open."""

    def flow(call: Call) -> Json:
        values = call.measure("number", "date")
        return record_of(**{name: values if kind_of(values) in ("integer", "number") else {}})

    return flow


def _sort(call: Call) -> Json:
    values, field = leaf(call.values()), call.text("field")
    if field and kind_of(values) == "object":
        call.faults.append(f"field: {field!r} holds records; name a field of theirs: {known(values)}")
    return record_of(items=list_of(call.items()))


def _top(call: Call) -> Json:
    n = call.args.get("n")
    if isinstance(n, int) and n <= 0:
        call.faults.append(f"n: {n} is not above 0")
    if "field" in call.args:
        call.measure("number", "date")
    elif call.args.get("smallest") is True:
        call.faults.append("smallest: say of which field")
    return record_of(items=list_of(call.items()))


def _unique(call: Call) -> Json:
    return record_of(values=list_of(leaf(call.values()) if "field" in call.args else call.items()))


def _pick(call: Call) -> Json:
    return record_of(values=list_of(call.values()))


def _group(call: Call) -> Json:
    return record_of(groups=list_of(record_of(value=leaf(call.values()), items=list_of(call.items()))))


def _flatten(call: Call) -> Json:
    items = call.items()
    kind = kind_of(items)
    if kind not in (None, "array", "null"):
        call.faults.append(f"items: each is {kind}, no list; there is nothing to flatten")
    return record_of(items=list_of(items.get("items", {}) if kind == "array" else {}))


def _template(call: Call) -> Json:
    values, template = call.schema("values"), call.text("template")
    if kind_of(values) == "array":
        values = call.items("values")
    names = dict.fromkeys(found[1].strip() for found in _PLACE.finditer(template or "") if found[1])
    if missing := [name for name in names if at(values, name) is None]:
        call.faults.append(f"template: no {shown(map(quoted, missing))} in the values; known: {known(values)}")
    return record_of(text={"type": "string"})


_FLOWS: dict[str, Callable[[Call], Json]] = {
    "table": table,
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
    "join": join,
    "flatten": _flatten,
    "template": _template,
}
