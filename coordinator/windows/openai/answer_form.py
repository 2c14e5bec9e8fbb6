"""The form of an answer: an output as JSON, or the one label alone. Knows no route."""

from __future__ import annotations

import json
from typing import Any

from coordinator.api.answers.problems import Problem
from coordinator.windows.openai.chat_request import JsonSchemaFormat, ResponseFormat
from infra.records import Json
from specialists.schema_dialect import taken_over
from specialists.schema_within import difference
from specialists.schemas import draft_fault, kind_of
from specialists.specialist import Specialist

_AT = "response_format.json_schema.schema"


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def label_field(form: ResponseFormat | None, specialist: Specialist) -> str | None:
    """The field of the output that is the answer; None: the whole output is, as JSON.

    Raises Problem (400) if not all outputs have the form that is asked for."""
    if form is None:
        return None
    if form.type == "json_schema":
        _check(form.json_schema, specialist)
    properties = specialist.output_schema.get("properties", {})
    if form.type == "text" and list(map(kind_of, properties.values())) == ["string"]:
        return str(next(iter(properties)))
    return None


def _check(asked: JsonSchemaFormat | None, specialist: Specialist) -> None:
    if asked is None:
        raise _refused("response_format.json_schema: is missing; send the schema, or the type 'json_object'")
    if fault := draft_fault(asked.asked):
        raise _refused(f"{_AT}: is no JSON Schema: {fault}")
    schema = taken_over(asked.asked, _AT, bounds=False, decoded=False)
    if schema.faults:
        raise _refused(*schema.faults)
    if found := difference(specialist.written[1], schema.schema, "output"):
        raise _refused(
            f"{_AT}: not all outputs of {specialist.name!r} fit it: {found}; "
            f"GET /v1/job-types/{specialist.name} has the schema of its outputs"
        )


def _refused(*faults: str) -> Problem:
    return Problem(400, "The schema is not that of the model", list(faults), about={"param": "response_format"})


def told(output: Json, field: str | None) -> str:
    return written(output) if field is None else str(output.get(field, ""))
