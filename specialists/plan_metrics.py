"""What a plan consists of, for its metrics: nodes, edges and parameters, as TaskBench counts them. Checks no plan.

TaskBench (Shen et al., 2024) compares names, not ids: two steps of one job type are one node, and their edges one edge.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from specialists.schemas import Json


def nodes(plan: Json) -> set[str]:
    return {step["type"] for step in plan["steps"]}


def edges(plan: Json) -> set[tuple[str, str]]:
    """(source's job type, target's job type), from references and from `after`."""
    types = _types(plan)
    return {
        (types[earlier], step["type"])
        for step in plan["steps"]
        for earlier in [*_heads(step), *step.get("after", [])]
        if earlier in types
    }


def parameters(plan: Json) -> set[str]:
    """`type-parameter-value`; a reference's value names the job type that it points to, since ids are arbitrary."""
    types = _types(plan)
    return {
        f"{step['type']}-{name}-{_text(value, _renamer(types, step))}"
        for step in plan["steps"]
        for name, value in step["args"].items()
    }


def same_plan(expected: Json, answered: Json) -> bool:
    """Whatever the steps are called and in which order they stand; where nobody wrote down arguments, by nodes and
    edges."""
    if says_arguments(expected):
        return canonical_plan(expected) == canonical_plan(answered)
    return (nodes(expected), edges(expected)) == (nodes(answered), edges(answered))


def says_arguments(plan: Json) -> bool:
    return any(step["args"] for step in plan["steps"])


def canonical_plan(plan: Json) -> Counter[str]:
    """Equal for plans that differ only in their steps' ids, the order in which steps are listed, or key order."""
    steps = {step["id"]: step for step in plan["steps"]}
    known: dict[str, str] = {}

    def name(step_id: str, above: tuple[str, ...] = ()) -> str:
        """A step's name says all that leads to it; `above` ends the search where a plan has a cycle."""
        if step_id in above:
            return "cycle"
        if step_id not in known:
            step = steps[step_id]
            inside = (*above, step_id)
            names = {head: name(head, inside) for head in [*_heads(step), *step.get("after", [])] if head in steps}
            said = {
                "type": step["type"],
                "args": _text(step["args"], _renamer(names, step)),
                "over": _text(step["map"]["over"], _renamer(names, {})) if "map" in step else None,
                "after": sorted(names.get(earlier, earlier) for earlier in step.get("after", [])),
            }
            known[step_id] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return known[step_id]

    return Counter(name(step_id) for step_id in steps)


def _types(plan: Json) -> dict[str, str]:
    return {step["id"]: step["type"] for step in plan["steps"]}


def _heads(step: Json) -> Iterator[str]:
    """The first word of every reference in a step's arguments and in what it goes over."""
    yield from (reference.partition(".")[0] for reference in _references(step["args"]))
    if "map" in step:
        yield from (reference.partition(".")[0] for reference in _references(step["map"]["over"]))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"$ref"}:
            yield value["$ref"]
        else:
            for inner in value.values():
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _renamer(names: dict[str, str], step: Json) -> Callable[[str], str]:
    """Reference -> the same with its head renamed; what a step calls the item it is at does not matter."""
    item = step.get("map", {}).get("as")

    def rename(reference: str) -> str:
        head, dot, path = reference.partition(".")
        return ("item" if head == item else names.get(head, head)) + dot + path

    return rename


def _text(value: Any, rename: Callable[[str], str]) -> str:
    return json.dumps(_renamed(value, rename), sort_keys=True, ensure_ascii=False)


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$ref"}:
            return {"$ref": rename(value["$ref"])}
        return {key: _renamed(inner, rename) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, rename) for inner in value]
    return value
