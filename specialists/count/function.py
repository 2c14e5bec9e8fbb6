"""`count`: how many items there are of each value of a field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def count(input: Json) -> Json:
    """`field` is a path (`intent`, `entities.type`); a list on the way counts each element. Most frequent first,
    equal counts by value. `total` is the number of values counted; an item without the field counts nowhere."""
    counted = Counter(value for item in input["items"] for value in _values(item, input["field"].split(".")))
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return {"counts": [{"value": value, "count": n} for value, n in ordered], "total": counted.total()}


def _values(item: Any, path: list[str]) -> Iterator[str]:
    if isinstance(item, list):
        for element in item:
            yield from _values(element, path)
    elif not path:
        yield str(item)[:1000]
    elif isinstance(item, dict) and path[0] in item:
        yield from _values(item[path[0]], path[1:])
