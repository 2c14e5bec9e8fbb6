"""A job's input, as the last message of a chat has it: a text, or JSON. Knows no route."""

from __future__ import annotations

from typing import Any

from coordinator.windows.openai.messages import refused
from infra.json_lines import NotJson, parsed
from infra.records import Json
from specialists.schemas import kinds_of
from specialists.specialist import Specialist

_TITLE = "The last message of the user is no input of the model"


def input_of(text: str, specialist: Specialist) -> Json:
    """Raises Problem (400) with all faults. Of a schema with one field, which is a string, the text is the field."""
    properties = specialist.input_schema.get("properties", {})
    if list(map(kinds_of, properties.values())) == [["string"]]:
        input: Any = {next(iter(properties)): text}
        help = ""
    else:
        help = f"send JSON of an object with {_fields(specialist)}; GET /v1/job-types/{specialist.name} has its schema"
        try:
            input = parsed(text)
        except NotJson as error:
            raise refused(f"messages: the text is no JSON: {error}; {help}", title=_TITLE) from None
    if faults := specialist.input_faults(input):
        raise refused(*faults, *([help] if help else []), title=_TITLE)
    return dict(input)


def _fields(specialist: Specialist) -> str:
    schema = specialist.input_schema
    needed = schema.get("required", [])
    return ", ".join(name if name in needed else f"{name} (optional)" for name in schema.get("properties", {}))
