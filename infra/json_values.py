"""JSON values: which of them can be written, and read again by everybody. Knows no record."""

from __future__ import annotations

import json
from typing import Any

#: How deep an input or an output may nest. pydantic reads 200 levels, and records and plans add some around the value.
DEEPEST = 100


def levels(value: Any) -> int:
    """How deep lists and objects nest: 0 for a plain value, 1 for a list of plain values. The loop spares the stack."""
    found, here = 0, [value]
    while inner := [each for each in here if isinstance(each, dict | list)]:
        found += 1
        here = [child for each in inner for child in (each.values() if isinstance(each, dict) else each)]
    return found


def unwritable(value: Any) -> str | None:
    """Why a value that was parsed from JSON cannot be kept, without quoting it. None means that it can be kept."""
    if (deep := levels(value)) > DEEPEST:
        return f"nests {deep} levels deep, the limit is {DEEPEST}"
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair"
    except ValueError:
        return "holds a number that is not finite or too long"
    return None
