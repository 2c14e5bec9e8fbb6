"""References: the places in a plan that stand for a value. They are read in plans alone, never in a job's answer.

A reference is the object `{"$ref": "<head>.<path>"}`. The head is `inputs`, a step's id or the variable of a map. A
number on the path is the index of a list, counted from 0: `inputs.messages.1.content`. `[]` behind a name stands for
each element: `s1[].colour` is the list of the elements' colours, and `inputs.export[].tickets[]` is one list of all
tickets. An element that is null, as the place of an output that was left out, has null in that list, and no elements of
its own. A field name may contain dots: `inputs.row.address.city` finds the field `address.city` of the row. If an
object has both `address` and `address.city`, the path means the shorter name.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

KEY = "$ref"
INPUTS = "inputs"
#: A name on a path that stands for each element of a list.
EACH = "[]"
_NAME = re.compile(r"(.+?)((?:\[\])*)", re.DOTALL)


class Unresolved(ValueError):
    """A reference has no value; the message says which one, and why."""


def is_reference(value: Any) -> bool:
    """Whether `value` is meant as a reference. `form_fault` says whether it is well formed."""
    return isinstance(value, dict) and KEY in value


def form_fault(reference: dict[str, Any]) -> str | None:
    path = reference[KEY]
    if len(reference) > 1:
        return f"a reference holds {KEY!r} alone; it also has {', '.join(repr(k) for k in reference if k != KEY)}"
    if not isinstance(path, str) or not all(name.removesuffix(EACH) for name in path.split(".")):
        return f"{KEY!r} must be names with dots between, as in 'inputs.messages'"
    return None


def parts(path: str) -> list[str]:
    """The names of a well-formed path, with EACH wherever the path goes on from each element."""
    found: list[str] = []
    for name in path.split("."):
        matched = _NAME.fullmatch(name)
        assert matched
        found += [matched[1], *[EACH] * (len(matched[2]) // len(EACH))]
    return found


def head(path: str) -> str:
    return parts(path)[0]


def makes_list(path: str) -> bool:
    """Whether the reference's value is a new list, rather than a part of the value that it refers to."""
    return EACH in parts(path)


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
    first, *rest = parts(path)
    return _reach(values[first], rest, path)


def _reach(value: Any, names: Sequence[str], path: str) -> Any:
    while names:
        if names[0] == EACH:
            return _reach_each(value, names[1:], path)
        name, names = split(names, value if isinstance(value, dict) else ())
        value = _child(value, name, path)
    return value


def _reach_each(value: Any, names: Sequence[str], path: str) -> list[Any]:
    """The list of what each element reaches. Lists inside a list are joined to one: `a[].b[]`."""
    if not isinstance(value, list):
        raise Unresolved(f"reference {path!r} has no value: {EACH!r} is asked of what is no list")
    found = [None if element is None and names else _reach(element, names, path) for element in value]
    return [inner for each in found if each is not None for inner in each] if EACH in names else found


def split(names: Sequence[str], known: Container[str]) -> tuple[str, Sequence[str]]:
    """The field that a path goes on with, and the rest of the path.

    A field's name may contain dots, so it is the shortest of `known` that fits; if none fits, it is the first name.
    """
    for end in range(1, len(names) + 1):
        if EACH in names[:end]:
            break
        if (name := ".".join(names[:end])) in known:
            return name, names[end:]
    return names[0], names[1:]


def _child(value: Any, name: str, path: str) -> Any:
    if isinstance(value, dict) and name in value:
        return value[name]
    if isinstance(value, list) and is_index(name):
        if int(name) < len(value):
            return value[int(name)]
        raise Unresolved(f"reference {path!r} has no value: no element {name} of {len(value)}")
    raise Unresolved(f"reference {path!r} has no value: no {name!r} there")


def is_index(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) <= 9


def bind(template: Any, values: Mapping[str, Any]) -> Any:
    """`template` with its references replaced by their values, which are not searched again. Raises Unresolved."""
    if is_reference(template):
        return resolve(template[KEY], values)
    if isinstance(template, dict):
        return {name: bind(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [bind(value, values) for value in template]
    return template
