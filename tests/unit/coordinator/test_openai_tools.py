"""Tool calls of OpenAI's shape: what a model has read as text becomes what each parameter's schema asks for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coordinator.api.answers.problems import Problem
from coordinator.windows.openai.call_tools import methods_and_dialogue, tool_call
from coordinator.windows.openai.chat_request import ChatRequest
from infra.records import Json


def asked(parameter: Any, **rest: Any) -> ChatRequest:
    parameters = {"type": "object", "properties": {"n": parameter}, **rest}
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    return ChatRequest.model_validate(
        {"model": "call", "messages": [{"role": "user", "content": "do it"}], "tools": [tool]}
    )


def called(text: str, request: ChatRequest) -> Any:
    arguments: Json = json.loads(tool_call({"name": "f", "arguments": {"n": text}}, request).arguments)
    return arguments["n"]


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        ({"type": "integer"}, "3", 3),
        ({"type": "string"}, "3", "3"),
        ({}, "3", "3"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "3", 3),
        ({"$ref": "#/$defs/Size"}, "7", 7),
        ({"const": 5}, "5", 5),
        ({"enum": [1, "one"]}, "one", "one"),
        ({"type": "array", "items": {"type": "boolean"}}, "[true]", [True]),
    ],
)
def test_an_argument_is_what_its_schema_asks_for(parameter: Json, text: str, value: Any) -> None:
    assert called(text, asked(parameter, **{"$defs": {"Size": {"type": "integer"}}})) == value


@pytest.mark.parametrize(
    "parameter", [{"type": "integer", "minimum": 10}, {"$ref": "#/$defs/Absent"}, {"type": "boolean"}]
)
def test_an_argument_that_breaks_its_schema_is_no_answer(parameter: Json) -> None:
    with pytest.raises(Problem, match="No answer") as refused:
        called("3", asked(parameter))
    assert (refused.value.status_code, refused.value.about) == (500, {"code": "job_invalid_output"})


@pytest.mark.parametrize("kind", ["integr", 5, {"a": 1}])
def test_parameters_that_are_no_schema_are_refused_before_any_job(kind: Any) -> None:
    with pytest.raises(Problem) as refused:
        methods_and_dialogue(asked({"type": kind}))
    assert refused.value.status_code == 400
    assert "tools.0.function.parameters: is no JSON Schema" in str(refused.value.faults)
