"""The check of a draft's steps against each other, the catalog and the inputs. Collects faults; builds nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from coordinator.plans import references
from coordinator.plans.alternatives import top_fault
from coordinator.plans.binder import Binder, TooLarge, Unbound
from coordinator.plans.lengths import Lengths
from coordinator.plans.plan import RESERVED, Default, Join, Limits, OnFailure, Step
from coordinator.plans.schema_fit import kind_of, misfit
from coordinator.plans.step_schemas import Schemas, Scope
from infra.records import Json
from specialists.catalog import Catalog
from specialists.planning.flow.literals import is_literal
from specialists.schemas import value_faults

#: How many faults of one step's values are shown: 10,000 items may all have the same one.
SHOWN = 5
#: How many bytes of job inputs are checked in full here, while a caller waits. Each job checks its own input anyway.
CHECKED_BYTES = 2_000_000


class Checker:
    def __init__(
        self,
        steps: list[Step],
        ids: set[str],
        catalog: Catalog,
        schema: Json,
        inputs: Mapping[str, Any] | None,
        limits: Limits,
    ) -> None:
        """`schema`: the JSON Schema of all inputs together. `inputs`: None if they are not given yet."""
        self.faults: list[str] = []
        self._steps = {step.id: step for step in steps}
        self._ids = ids
        self._catalog = catalog
        self._given = inputs is not None
        self._inputs = dict(inputs or {})
        self._schemas = Schemas(steps, ids, catalog, schema, self._inputs)
        self._lengths = Lengths(steps, self._inputs)
        self._limits = limits
        self._ordered = steps

    def check(self, result: Any) -> None:
        self._check_ids()
        for step in self._ordered:
            self._check_step(step)
        self._check_cycles()
        self._check_joins()
        if self._check_jobs() and self._given:
            self._check_known_values()
        self._check_result(result)

    def _fault(self, step: Step, sentence: str) -> None:
        self.faults.append(f"step {step.id!r} ({step.type}): {sentence}")

    def _check_ids(self) -> None:
        seen: set[str] = set()
        for step in self._ordered:
            if step.id in seen:
                self._fault(step, "another step has this id")
            if step.id in RESERVED:
                self._fault(step, f"{step.id!r} is reserved; call the step s1, s2, …")
            seen.add(step.id)

    def _check_step(self, step: Step) -> None:
        for earlier in step.after:
            if earlier not in self._ids:
                self._fault(step, f"after: no step {earlier!r}; known: {self._schemas.known()}")
        self._check_map(step)
        scope = self._schemas.scope(step)
        if step.type not in self._catalog:
            self._fault(step, f"unknown job type; known: {', '.join(self._catalog.names())}")
            for path in references.find(step.args):
                self._schema_at(step, path, scope)
            return
        if fault := top_fault(step.type, step.top, self._catalog):
            self._fault(step, fault)
        specialist = self._catalog.get(step.type)
        self._check_value(step, step.args, specialist.input_schema, "args", scope)
        if self._sound(step):
            self._check_function(step)
        if isinstance(step.on_failure, Default):
            self._check_data(step, step.on_failure.default, specialist.output_schema, "on_failure.default")

    def _check_function(self, step: Step) -> None:
        """Find arguments that a shipped function would refuse, or answer with nothing, from the schemas alone."""
        for fault in self._schemas.faults(step):
            of_one = fault.partition(" ")[0].endswith(":")  # "field: …"
            self._fault(step, f"args.{fault}" if of_one else f"args: {fault}")
        columns = step.args.get("columns")
        if step.type != "table" or not isinstance(columns, list) or is_literal(columns):
            return  # the job itself refuses lists that the plan writes out
        lengths = {_shown(column): length for column in columns if (length := self._lengths.of(column)) is not None}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            self._fault(step, f"args.columns: a table needs lists of equal length; {said}")

    def _check_map(self, step: Step) -> None:
        if not step.map:
            return
        item, over = step.map.item, step.map.over
        if item in self._ids or item in RESERVED:
            self._fault(step, f"map.as: {item!r} is already the name of something else")
        if not references.is_reference(over):
            self._fault(step, "map.over: must be a reference")
            return
        schema = self._reference_schema(step, over, "map.over", {})
        if kind_of(schema) not in (None, "array"):
            self._fault(step, f"map.over: {over[references.KEY]!r} must be array, is {kind_of(schema)}")
        if item not in references.heads(step.args):
            self._fault(step, f"map: goes over {over[references.KEY]!r} and never uses its item, {item!r}")

    def _check_value(self, step: Step, value: Any, schema: Json, where: str, scope: Scope) -> None:
        """Check that the template `value` fits `schema`."""
        if references.is_reference(value):
            if fault := misfit(self._reference_schema(step, value, where, scope), schema):
                self._fault(step, f"{where}: {value[references.KEY]!r} {fault}")
        elif is_literal(value):
            self._check_data(step, value, schema, where)
        elif isinstance(value, dict):
            self._check_object(step, value, schema, where, scope)
        else:
            self._check_list(step, value, schema, where, scope)

    def _check_data(self, step: Step, value: Any, schema: Json, where: str) -> None:
        for fault in value_faults(value, schema, where)[:SHOWN]:
            self._fault(step, fault)

    def _check_object(self, step: Step, value: Json, schema: Json, where: str, scope: Scope) -> None:
        if kind_of(schema) not in (None, "object"):
            self._fault(step, f"{where}: must be {kind_of(schema)}, is object")
            return
        properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
        if missing := [name for name in schema.get("required", []) if name not in value]:
            self._fault(step, f"{where}: missing {', '.join(map(repr, missing))}")
        if more is False and (unknown := [name for name in value if name not in properties]):
            known = ", ".join(properties) or "nothing"
            self._fault(step, f"{where}: unknown {', '.join(map(repr, unknown))}; known: {known}")
        for name, child in value.items():
            inner = properties.get(name, more if isinstance(more, dict) else {})
            self._check_value(step, child, inner, f"{where}.{name}", scope)

    def _check_list(self, step: Step, value: list[Any], schema: Json, where: str, scope: Scope) -> None:
        if kind_of(schema) not in (None, "array"):
            self._fault(step, f"{where}: must be {kind_of(schema)}, is array")
            return
        if len(value) > schema.get("maxItems", len(value)):
            self._fault(step, f"{where}: {len(value)} items, maxItems is {schema['maxItems']}")
        for number, child in enumerate(value):
            self._check_value(step, child, schema.get("items", {}), f"{where}.{number}", scope)

    def _reference_schema(self, step: Step, reference: Json, where: str, scope: Scope) -> Json:
        if fault := references.form_fault(reference):
            self._fault(step, f"{where}: {fault}")
            return {}
        return self._schema_at(step, reference[references.KEY], scope)

    def _schema_at(self, step: Step, path: str, scope: Scope) -> Json:
        schema, fault = self._schemas.at(path, scope)
        if fault:
            self._fault(step, fault)
        return schema

    def _check_known_values(self) -> None:
        """Check in full the job inputs of each step that refers to the goal's inputs alone: they are known already."""
        binder = Binder()
        for step in [step for step in self._ordered if not step.needs() and self._sound(step)]:
            try:
                faults = self._faults_of_all(step, binder) if step.goes_on else self._value_faults(step, binder)
                found = list(islice(faults, SHOWN + 1))
            except (references.Unresolved, TooLarge) as error:
                found = [str(error)]
            for fault in found[:SHOWN]:
                self._fault(step, fault)
            if len(found) > SHOWN:
                self._fault(step, "… and more like these")

    def _value_faults(self, step: Step, binder: Binder) -> Iterator[str]:
        """Raises Unresolved, TooLarge."""
        specialist = self._catalog.get(step.type)
        scopes = (self._scope(step, each) for each in self._elements(step))
        for number, job_input in enumerate(binder.bind(step.args, scopes)):
            if binder.bytes <= CHECKED_BYTES:
                place = f"item {number}: " if step.map else ""
                yield from (place + fault for fault in specialist.input_faults(job_input))

    def _faults_of_all(self, step: Step, binder: Binder) -> Iterator[str]:
        """The first fault of each element, if one job has to succeed and no element makes a job that can.

        There are no faults as soon as one element has none. Raises TooLarge.
        """
        if step.on_failure is not OnFailure.LEAVE_OUT:
            return
        specialist, found = self._catalog.get(step.type), []
        scopes = (self._scope(step, each) for each in self._elements(step))
        for number, bound in enumerate(binder.bind_each(step.args, scopes)):
            faults = [bound.why] if isinstance(bound, Unbound) else specialist.input_faults(bound)
            if not faults or binder.bytes > CHECKED_BYTES:
                return
            found.append(f"item {number}: {faults[0]}")
        yield from found

    def _elements(self, step: Step) -> list[Any]:
        if not step.map:
            return [None]
        over = references.bind(step.map.over, {references.INPUTS: self._inputs})
        return over if isinstance(over, list) else []

    def _scope(self, step: Step, element: Any) -> dict[str, Any]:
        own = {step.map.item: element} if step.map else {}
        return {references.INPUTS: self._inputs, **own}

    def _check_cycles(self) -> None:
        waiting = {step.id: step.needs() & self._steps.keys() for step in self._ordered}
        while ready := [step_id for step_id, needs in waiting.items() if not needs & waiting.keys()]:
            for step_id in ready:
                del waiting[step_id]
        if waiting:
            self.faults.append(f"plan: a cycle: {' needs '.join(_cycle(waiting))}")

    def _check_joins(self) -> None:
        for step in [step for step in self._ordered if self._sound(step)]:
            jobs = self._jobs(step)
            if step.join is not Join.ALL and not step.map:
                self._fault(step, "join: the step has one job; only a mapped one has some to choose among")
            elif jobs is not None and step.wanted(jobs) > jobs:
                self._fault(step, f"join: {step.wanted(jobs)} of its jobs must succeed, and it has {jobs}")

    def _check_jobs(self) -> bool:
        """Check the number of jobs, as far as it is known before any has run. True if it is allowed."""
        known = (self._jobs(step) for step in self._ordered if self._sound(step))
        jobs = sum(1 if count is None else count for count in known)
        if jobs > self._limits.max_jobs:
            self.faults.append(f"plan: at least {jobs} jobs, limits.max_jobs is {self._limits.max_jobs}")
        return jobs <= self._limits.max_jobs

    def _jobs(self, step: Step) -> int | None:
        """The number of the step's jobs; None if it is not known yet."""
        try:
            return None if step.needs() else len(self._elements(step))
        except references.Unresolved:  # the check of the step's values reports this
            return None

    def _sound(self, step: Step) -> bool:
        return not any(fault.startswith(f"step {step.id!r} ") for fault in self.faults)

    def _check_result(self, result: Any) -> None:
        for reference in _references(result):
            fault = references.form_fault(reference) or self._schemas.at(reference[references.KEY], {})[1]
            if fault:
                self.faults.append(f"result: {fault}")


def _references(value: Any) -> Iterator[Json]:
    """Everything in `value` that is meant as a reference, well formed or not."""
    if references.is_reference(value):
        yield value
        return
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _references(child)


def _shown(column: Any) -> str:
    return repr(column[references.KEY]) if references.is_reference(column) else "a list that is written out"


def _cycle(waiting: dict[str, set[str]]) -> list[str]:
    """The ids of steps along one cycle; the first comes again at the end."""
    way = [next(iter(waiting))]
    while way[-1] not in way[:-1]:
        way.append(min(waiting[way[-1]] & waiting.keys()))
    return way[way.index(way[-1]) :]
