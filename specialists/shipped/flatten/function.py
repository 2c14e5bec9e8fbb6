"""`flatten`: the elements of lists, as one list."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class TooMany(ValueError):
    """Its words are shown to people: they name fields and quote no value."""


MOST = 10_000


def flatten(input: Json) -> Json:
    """One level of lists less; what is no list stays as it is. Raises TooMany."""
    flat: list[Any] = []
    for item in input["items"]:
        flat += item if isinstance(item, list) else [item]
    if len(flat) > MOST:
        raise TooMany(f"the lists have {len(flat)} elements together; one list has no more than {MOST}")
    return {"items": flat}
