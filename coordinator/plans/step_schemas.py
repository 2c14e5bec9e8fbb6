"""The schemas of a plan's values: its inputs, each step's value, and the value at each reference. Knows no job.

They follow from the catalog and from what the shipped functions pass on; only the arguments of these functions are
judged. The schema of each step is worked out once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from coordinator.plans import references
from coordinator.plans.plan import Step
from coordinator.plans.schema_fit import kind_of, schema_of, walk
from infra.records import Json
from specialists.catalog import SHIPPED, Catalog
from specialists.planning.flow.literals import is_literal
from specialists.planning.flow.results import result_schema
from specialists.schemas import either
from specialists.specialist import Specialist

#: The elements of a written list have a schema each up to this length; those of a longer list share one.
EACH_TYPED = 64

#: The name of a map's variable -> its schema.
Scope = Mapping[str, Json]


class _Typed(NamedTuple):
    value: Json  #: the schema of the step's value
    faults: Sequence[str]  #: the faults of its arguments, if it is a shipped function


_UNKNOWN = _Typed({}, ())


class Schemas:
    def __init__(
        self, steps: Sequence[Step], ids: set[str], catalog: Catalog, schema: Json, inputs: Mapping[str, Any]
    ) -> None:
        """`ids`: the ids of all steps; nothing is known of the values of malformed ones. `schema`: the schema of all
        inputs together. `inputs`: empty if they are not given yet."""
        self._steps = {step.id: step for step in steps}
        self._ids = ids
        self._catalog = catalog
        self._schema = schema
        self._inputs = {references.INPUTS: dict(inputs)}
        self._typed: dict[str, _Typed] = {}

    def at(self, path: str, scope: Scope) -> tuple[Json, str | None]:
        """The schema at a well-formed reference, and the reference's fault, if it has one."""
        first, *rest = references.parts(path)
        if first in scope:
            return walk(scope[first], rest, path)
        if first == references.INPUTS:
            return walk(self._schema, rest, path)
        if first in self._steps:
            return walk(self._type(self._steps[first]).value, rest, path)
        if first in self._ids:
            return {}, None
        return {}, f"reference {path!r}: no step {first!r}; known: {self.known(scope)}"

    def known(self, scope: Scope | None = None) -> str:
        """The names that a reference may begin with, for a sentence."""
        return ", ".join([*sorted(self._ids), *(scope or {}), references.INPUTS])

    def scope(self, step: Step) -> Scope:
        """The schema of the map's variable, by its name."""
        if step.map is None:
            return {}
        over = self._of(step.map.over, {}) if references.is_reference(step.map.over) else {}
        return {step.map.item: over.get("items", {}) if kind_of(over) == "array" else {}}

    def faults(self, step: Step) -> Sequence[str]:
        """The faults of a shipped function's arguments, by the schemas of the values that they refer to."""
        return self._type(step).faults if self._steps[step.id] is step else ()

    def _type(self, step: Step) -> _Typed:
        """Work out the step's schema once. Nothing is known of steps in a cycle, which is no plan anyway."""
        if step.id not in self._typed:
            self._typed[step.id] = _UNKNOWN
            self._typed[step.id] = self._typed_anew(step)
        return self._typed[step.id]

    def _typed_anew(self, step: Step) -> _Typed:
        if step.type not in self._catalog:
            return _Typed(_of_each({}) if step.map else {}, ())
        specialist = self._catalog.get(step.type)
        output, faults = specialist.output_schema, list[str]()
        if is_shipped_function(specialist) and not references.is_reference(step.args):
            scope = self.scope(step)
            given = {name: self._of(value, scope) for name, value in step.args.items()}
            found, faults = result_schema(step.type, self._said(step.args), given)
            output = found or output
        return _Typed(_of_each(output) if step.map else output, faults)

    def _said(self, args: Json) -> Json:
        """The arguments, with a reference to an input replaced by its value unless that is a list or an object."""
        return {name: self._value(arg) for name, arg in args.items()}

    def _value(self, arg: Any) -> Any:
        if not references.is_reference(arg) or references.heads(arg) != {references.INPUTS}:
            return arg
        try:
            value = references.resolve(arg[references.KEY], self._inputs)
        except references.Unresolved:
            return arg
        return arg if isinstance(value, list | dict) else value

    def _of(self, value: Any, scope: Scope) -> Json:
        """The schema of the value that the template `value` becomes."""
        if references.is_reference(value):
            return {} if references.form_fault(value) else self.at(value[references.KEY], scope)[0]
        if isinstance(value, list) and 0 < len(value) <= EACH_TYPED:
            each = [self._of(child, scope) for child in value]
            return {"type": "array", "items": reduce(either, each), "prefixItems": each}
        if is_literal(value):
            return schema_of(value)
        if isinstance(value, list):
            return _of_each(reduce(either, (self._of(child, scope) for child in value)))
        properties = {name: self._of(child, scope) for name, child in value.items()}
        return {"type": "object", "properties": properties, "required": list(value), "additionalProperties": False}


def is_shipped_function(specialist: Specialist) -> bool:
    return specialist.manifest.inner_engine == "function" and specialist.folder.is_relative_to(SHIPPED)


def _of_each(schema: Json) -> Json:
    return {"type": "array", "items": schema}
