"""Fields whose names have changed: a record reads the old name too, but writes only the new one. Knows no record."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices

#: Old name -> the name of today.
RENAMED = {"queue_s": "claim_within_s"}

#: The names of the field that was once called `queue_s`. An error message names the field as it was sent. Records
#: accept the field's own name too (`validate_by_name`): without that, mypy would accept any keyword for a record.
CLAIM_WITHIN_S = AliasChoices("claim_within_s", "queue_s")


def current_name(name: str) -> str:
    return RENAMED.get(name, name)


def current_names(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` under today's names. If both names of a field are present, the old one stays, so that it is refused."""
    return {name if current_name(name) in fields else current_name(name): value for name, value in fields.items()}


def old_names(fields: object) -> list[str]:
    """The old names that `fields` uses; none if `fields` is not an object."""
    return [name for name in RENAMED if name in fields] if isinstance(fields, dict) else []
