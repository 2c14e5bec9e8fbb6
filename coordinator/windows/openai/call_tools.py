"""Tools: the functions of a chat as the methods of a specialist that reads calls, and its output as a tool call. Pure.

Such a specialist calls always, one function: it writes no words beside the call, and no answer to what a tool gave.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from referencing.exceptions import Unresolvable

from coordinator.api.answers.problems import Problem
from coordinator.windows.openai.answer import ToolCall
from coordinator.windows.openai.answer_form import written
from coordinator.windows.openai.chat_request import ChatRequest
from coordinator.windows.openai.failures import FINAL
from coordinator.windows.openai.messages import refused, text_of
from coordinator.windows.openai.parameters import unsupported
from infra.json_lines import NotJson, parsed
from infra.records import Json
from specialists.patterns import PatternError
from specialists.schemas import draft_fault, kinds_of, value_faults
from specialists.specialist import Specialist

_FIELDS = {"dialogue", "methods"}
_SPEAKERS = {"user": "U", "assistant": "S"}
_SHARED = ("$defs", "definitions")  #: what references of a parameter lead to
_NOTHING: Json = {"type": "object", "properties": {}}


def reads_calls(specialist: Specialist) -> bool:
    return set(specialist.input_schema.get("properties", {})) == _FIELDS


def methods_and_dialogue(asked: ChatRequest) -> Json:
    """The input that a chat with tools is. Raises Problem (400)."""
    if asked.messages[-1].role in ("tool", "function"):
        raise refused("messages: the last one is of a tool; this model reads calls, and writes no answer to a result")
    said = [(_SPEAKERS[each.role], text_of(each)) for each in asked.messages if each.role in _SPEAKERS]
    return {"dialogue": [f"{who}: {text}" for who, text in said if text], "methods": _methods(asked)}


def _methods(asked: ChatRequest) -> list[Json]:
    methods = [_method(number, tool) for number, tool in enumerate(asked.tools or [])]
    choice = asked.tool_choice
    if choice in (None, "auto", "required"):
        return methods
    name = _function(choice).get("name") if isinstance(choice, dict) else None
    chosen = [each for each in methods if each["name"] == name]
    if not chosen:
        raise unsupported("tool_choice", "tool_choice: must be 'auto', 'required', or one function of `tools` by name")
    return chosen


def _method(number: int, tool: Json) -> Json:
    function = _function(tool)
    if not isinstance(function.get("name"), str):
        raise unsupported("tools", f"tools.{number}: is no function with a name; only functions can be called")
    about = {"description": function["description"]} if function.get("description") else {}
    if fault := draft_fault(function.get("parameters") or _NOTHING):
        raise unsupported("tools", f"tools.{number}.function.parameters: is no JSON Schema: {fault}")
    return {"name": function["name"], **about, "inputSchema": function.get("parameters") or _NOTHING}


def _function(said: Json) -> Json:
    function = said.get("function") if said.get("type") == "function" else None
    return function if isinstance(function, dict) else {}


def tool_call(output: Json, asked: ChatRequest) -> ToolCall:
    """Raises Problem (500) if a value that was read does not keep its parameter's schema."""
    (schema,) = (each["inputSchema"] for each in _methods(asked) if each["name"] == output["name"])
    properties, shared = schema.get("properties", {}), {key: schema[key] for key in _SHARED if key in schema}
    arguments = {
        name: _typed(name, text, {**shared, **properties[name]} if isinstance(properties.get(name), dict) else {})
        for name, text in output["arguments"].items()
    }
    return ToolCall(output["name"], written(arguments))


def _typed(name: str, text: str, schema: Json) -> Any:
    """What the model has written as text, as the parameter's schema has it: the text itself, or the JSON that it is."""
    for value in _readings(text):
        if _keeps(value, schema, name):
            return value
    kinds = " or ".join(kinds_of(schema)) or "what its schema says"
    fault = f"argument {name!r}: the model read what is none of its schema: {kinds} is asked for"
    raise Problem(500, "No answer", [fault], FINAL, {"code": "job_invalid_output"})


def _readings(text: str) -> Iterator[Any]:
    yield text
    with suppress(NotJson):
        yield parsed(text)


def _keeps(value: Any, schema: Json, name: str) -> bool:
    """Whether the value keeps the schema. One that cannot be decided is not kept, as with a reference to elsewhere."""
    try:
        return not value_faults(value, schema, name)
    except (PatternError, Unresolvable):
        return False
