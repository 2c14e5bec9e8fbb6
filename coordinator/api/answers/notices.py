"""Notices: the header `Warning` of a response names the fields of the request that have another name now.

Knows no route: it looks at the fields of goals, jobs and plans that were renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.field_names import current_name, old_names


def notices(body: Any) -> list[str]:
    """Return a sentence for each field of `body` that is sent under its old name."""
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
    """Write the header's value. Its code 299 is that of a lasting warning (RFC 7234, section 5.5)."""
    return ", ".join(f'299 - "{sentence}"' for sentence in sentences)
