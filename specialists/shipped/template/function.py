"""`template`: a text with values filled in."""

from __future__ import annotations

import json
import re
from typing import Any

from specialists.functions.fields import need_field, reached

Json = dict[str, Any]


class NotFilled(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
LONGEST = 1_000_000  # characters


def template(input: Json) -> Json:
    """`{a.b}` is the value at a path; `{{` and `}}` are braces. Each element of a list fills a line.

    It raises NotFilled.
    """
    values = input["values"]
    lines = [_fill(input["template"], each) for each in (values if isinstance(values, list) else [values])]
    text = "\n".join(lines)
    if len(text) > LONGEST:
        raise NotFilled(f"the text has {len(text)} characters; it may have {LONGEST}")
    return {"text": text}


def _fill(template: str, values: Any) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        name = found[1].strip()
        need_field([values], name, NotFilled, "value")
        return ", ".join(_written(each) for each in reached(values, name))

    return _PLACE.sub(value, template)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
