"""A call: one step of a shipped function, with its arguments, their schemas, and the faults found. Knows no plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specialists.planning.flow.conditions import measure_fault
from specialists.planning.flow.paths import at, known, leaf, quoted
from specialists.planning.flow.shapes import any_of
from specialists.schemas import Json, kind_of

Faults = list[str]


class Call:
    """The arguments of one step, and the faults found in them."""

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
            return any_of(schema["prefixItems"])
        return schema.get("items", {}) if kind_of(schema) == "array" else {}

    def text(self, name: str) -> str | None:
        """An argument that the plan writes out as a text, or None."""
        value = self.args.get(name)
        return value if isinstance(value, str) and value else None

    def values(self, name: str = "field", items: str = "items") -> Json:
        """The schema of the field that an argument names; lists at the end of its path stay lists."""
        field = self.text(name)
        if field is None:
            return {}
        found = at(self.items(items), field)
        if found is None:
            where = "the items" if items == "items" else f"the items of {items}"
            self.faults.append(f"{name}: no {quoted(field)} in {where}; known: {known(self.items(items))}")
        return found or {}

    def measure(self, *kinds: str) -> Json:
        """Like `values`, for a field that must hold numbers or dates."""
        values, field = self.values(), self.text("field")
        if field and (fault := measure_fault(values, field, *kinds)):
            self.faults.append(fault)
        return leaf(values)
