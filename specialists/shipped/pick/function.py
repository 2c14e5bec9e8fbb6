"""`pick`: one field of each item."""

from __future__ import annotations

from typing import Any

from specialists.functions.fields import need_field, reached

Json = dict[str, Any]


class NoSuchField(ValueError):
    """Its message is shown to people, so it names fields and quotes no value."""


def pick(input: Json) -> Json:
    """The values are unchanged and in the items' order; an item without the field adds none. It raises NoSuchField."""
    need_field(input["items"], input["field"], NoSuchField)
    return {"values": [value for item in input["items"] for value in reached(item, input["field"])]}
