"""Notices: fields of a request that have another name by now, told in the header `Warning` of its answer.

Knows no route: it looks where goals, jobs and plans have fields that were renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.field_names import current_name, old_names


def notices(body: Any) -> list[str]:
    """One sentence for each field of `body` that is sent under its old name."""
    if not isinstance(body, dict):
        return []
    plan = body.get("plan")
    places = {
        "": body,
        "limits.": body.get("limits"),
        "plan.limits.": plan.get("limits") if isinstance(plan, dict) else (),
    }
    return [
        f"{place}{name} is called {place}{current_name(name)} now; the old name is still read"
        for place, fields in places.items()
        for name in old_names(fields)
    ]


def warning(sentences: Sequence[str]) -> str:
    """As the header's value: code 299 is a lasting warning (RFC 7234, section 5.5)."""
    return ", ".join(f'299 - "{sentence}"' for sentence in sentences)
