"""`top`: the n items with the largest value of a field, or the first n."""

from __future__ import annotations

from typing import Any

from specialists.functions.order import ordered

Json = dict[str, Any]


class NoTop(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def top(input: Json) -> Json:
    """The largest come first; equal items keep their order, and an item without a value is left out.

    It raises NoTop.
    """
    items, n, smallest = input["items"], input["n"], input.get("smallest", False)
    if "field" not in input:
        if smallest:
            raise NoTop("smallest: say of which field")
        return {"items": items[:n]}
    placed, _ = ordered(items, input["field"], NoTop, descending=not smallest, measured=True)
    return {"items": placed[:n]}
