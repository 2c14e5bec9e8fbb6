"""Fields whose names have changed: a record reads the old name too, and writes the new one alone. Knows no record."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices

#: Old name -> the name of today.
RENAMED = {"queue_s": "claim_within_s"}

#: For the field of a record that was called `queue_s` once. A fault names the field as it was sent. The record is read
#: by name too (`validate_by_name`): without that mypy would take any keyword when it is made.
CLAIM_WITHIN_S = AliasChoices("claim_within_s", "queue_s")


def current_name(name: str) -> str:
    return RENAMED.get(name, name)


def current_names(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` under today's names. Where both names of one field are there, the old one stays, to be refused."""
    return {name if current_name(name) in fields else current_name(name): value for name, value in fields.items()}


def old_names(fields: object) -> list[str]:
    """The old names among those of `fields`; none if it is no object."""
    return [name for name in RENAMED if name in fields] if isinstance(fields, dict) else []
