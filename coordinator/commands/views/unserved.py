"""Unserved job types: what a goal or a job waits for although no live worker serves it. Knows the API's views."""

from __future__ import annotations

from infra.records import Json


def unserved_line(unserved: Json) -> str:
    """One entry of the field `unserved`, as a sentence."""
    needed = " ".join(filter(None, (unserved["type"], unserved["version"])))
    if not unserved["served"]:
        return f"no live worker serves {needed}"
    return (
        f"no live worker serves {needed} in the form that is needed; live workers serve {', '.join(unserved['served'])}"
    )
