"""Literals in a step's arguments: values that a plan writes out, in place of a reference."""

from __future__ import annotations

from typing import Any

REFERENCE = "$ref"


def is_literal(value: Any) -> bool:
    """Whether the value has no reference in it."""
    if isinstance(value, dict):
        return REFERENCE not in value and all(map(is_literal, value.values()))
    return all(map(is_literal, value)) if isinstance(value, list) else True
