"""`flatten`: the elements of lists, as one list."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class TooMany(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


MOST = 10_000


def flatten(input: Json) -> Json:
    """Remove one level of lists; an item that is no list stays as it is. It raises TooMany."""
    flat: list[Any] = []
    for item in input["items"]:
        flat += item if isinstance(item, list) else [item]
    if len(flat) > MOST:
        raise TooMany(f"the lists have {len(flat)} elements together; one list has no more than {MOST}")
    return {"items": flat}
