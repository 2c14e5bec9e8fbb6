"""`filter`: the items whose field has a value."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def filter(input: Json) -> Json:
    """Items in their order. `field` is a path; in a list on the way any element may match. Case, `_` and spaces
    around the value make no difference: a planner copies the words of the goal (`lost or stolen card`)."""
    path, wanted = input["field"].split("."), _plain(input["equals"])
    kept = [item for item in input["items"] if _has(item, path, wanted)]
    return {"items": kept, "kept": len(kept)}


def _has(item: Any, path: list[str], wanted: str) -> bool:
    if isinstance(item, list):
        return any(_has(element, path, wanted) for element in item)
    if not path:
        return _plain(str(item)) == wanted
    return isinstance(item, dict) and path[0] in item and _has(item[path[0]], path[1:], wanted)


def _plain(text: str) -> str:
    return text.strip().casefold().replace("_", " ")
