"""References: where a plan says "the value of". They occur in plans alone; what a job answers is data, never searched.

A reference is the object `{"$ref": "<head>.<path>"}`: the head is `inputs`, a step's id or the variable of a map.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

KEY = "$ref"
INPUTS = "inputs"


class Unresolved(ValueError):
    """A reference has no value; says which and why."""


def is_reference(value: Any) -> bool:
    """Whether `value` is meant as one: `form_fault` says whether it is well formed."""
    return isinstance(value, dict) and KEY in value


def form_fault(reference: dict[str, Any]) -> str | None:
    path = reference[KEY]
    if len(reference) > 1:
        return f"a reference holds {KEY!r} alone; it also has {', '.join(repr(k) for k in reference if k != KEY)}"
    if not isinstance(path, str) or not all(path.split(".")):
        return f"{KEY!r} must be names with dots between, as in 'inputs.messages'"
    return None


def head(path: str) -> str:
    return path.partition(".")[0]


def find(template: Any) -> Iterator[str]:
    """The path of every well-formed reference in `template`."""
    if is_reference(template):
        if not form_fault(template):
            yield template[KEY]
    elif isinstance(template, dict):
        for value in template.values():
            yield from find(value)
    elif isinstance(template, list):
        for value in template:
            yield from find(value)


def heads(template: Any) -> set[str]:
    return {head(path) for path in find(template)}


def resolve(path: str, values: Mapping[str, Any]) -> Any:
    """The value at `path`. Raises Unresolved."""
    first, *rest = path.split(".")
    value = values[first]
    for name in rest:
        if not isinstance(value, dict) or name not in value:
            raise Unresolved(f"reference {path!r} has no value: no {name!r} there")
        value = value[name]
    return value


def bind(template: Any, values: Mapping[str, Any]) -> Any:
    """`template` with its references replaced, once: what comes in is not searched. Raises Unresolved."""
    if is_reference(template):
        return resolve(template[KEY], values)
    if isinstance(template, dict):
        return {name: bind(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [bind(value, values) for value in template]
    return template
