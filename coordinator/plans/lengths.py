"""The lengths of the lists in a plan, as far as they are known before anything has run. Knows no job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coordinator.plans import references
from coordinator.plans.plan import Step

#: Functions with a list in their output that is as long as an argument: (field of the output, argument).
_AS_LONG = {"sort": ("items", "items"), "table": ("rows", "columns")}


class Lengths:
    def __init__(self, steps: Sequence[Step], inputs: Mapping[str, Any]) -> None:
        self._steps = {step.id: step for step in steps}
        self._values = {references.INPUTS: dict(inputs)}
        self._known: dict[str, int | None] = {}

    def of(self, value: Any) -> int | None:
        """The length of a list in a step's arguments, or of the list that a reference is to. None if not known."""
        if isinstance(value, list):
            return len(value)
        if not references.is_reference(value) or references.form_fault(value):
            return None
        path = value[references.KEY]
        if path not in self._known:
            self._known[path] = None  # a reference that leads back to itself has no known length
            self._known[path] = self._at(path)
        return self._known[path]

    def _at(self, path: str) -> int | None:
        first, *rest = references.parts(path)
        if first == references.INPUTS:
            return self._of_input(path)
        if references.EACH in rest:  # the new list is as long as the old one, unless lists inside it are joined too
            each = rest.index(references.EACH)
            return self._of_step(first, rest[:each]) if references.EACH not in rest[each + 1 :] else None
        return self._of_step(first, rest)

    def _of_input(self, path: str) -> int | None:
        try:
            value = references.resolve(path, self._values)
        except references.Unresolved:
            return None
        return len(value) if isinstance(value, list) else None

    def _of_step(self, step_id: str, names: Sequence[str]) -> int | None:
        step = self._steps.get(step_id)
        if step is None:
            return None
        if step.map:
            return None if names else self.of(step.map.over)
        field, argument = _AS_LONG.get(step.type, (None, ""))
        if [field] != list(names):
            return None
        given = step.args.get(argument)
        if argument == "columns" and isinstance(given, list):
            return next((found for each in given if (found := self.of(each)) is not None), None)
        return self.of(given) if argument == "items" else None
