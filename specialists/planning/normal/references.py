"""References: the paths that a step refers to. Knows nothing of the values behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)
