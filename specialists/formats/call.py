"""The call format: a method's name, then its arguments in order of name, one line each as `name: value`.

    FindBus
    from_location: Seattle
    leaving_date: 2019-03-08

Knows no methods: those on offer come with each input, and the grammar lets an answer name no others, leave out no
argument that is required, and give one that has a list of values none but those. A method says its parameters itself,
or as a tool of MCP's does, by a JSON Schema as its `inputSchema`: of that, the properties, their descriptions and
values and which are required are read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from specialists.formats import FormatError, Json

#: Characters of one value.
LONGEST_VALUE = 80
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./\-]*")
_NAMES = "a name is letters, digits, '_', '.', '/' and '-', and begins with a letter, a digit or '_'"
#: Characters of a description that a prompt shows.
LONGEST_DESCRIPTION = 500


@dataclass(frozen=True)
class _Parameter:
    description: str
    values: tuple[str, ...]  #: () where it may be anything


@dataclass(frozen=True)
class _Method:
    name: str
    description: str
    parameters: dict[str, _Parameter]  #: in order of name
    required: frozenset[str]


class CallFormat:
    def __init__(self, output_schema: Json) -> None:
        if list(output_schema["properties"]) != ["name", "arguments"]:
            raise FormatError("format 'call': the output must have exactly the properties 'name' and 'arguments'")

    def faults(self, input: Json) -> list[str]:
        names = Counter(method["name"] for method in input["methods"])
        found = [f"methods: {count} of them are named {name!r}" for name, count in names.items() if count > 1]
        return found + [
            f"methods.{number}{fault}" for number, each in enumerate(input["methods"]) for fault in _faults(each)
        ]

    def fields(self, input: Json) -> dict[str, str]:
        return {
            "dialogue": "\n".join(" ".join(said.split()) for said in input["dialogue"]),
            "methods": "\n".join(_described(_read(method)) for method in input["methods"]),
        }

    def write(self, output: Json) -> str:
        lines = [_name(output["name"])]
        for name, value in sorted(output["arguments"].items()):
            if not isinstance(value, str) or not value or "\n" in value:
                raise FormatError("format 'call' holds arguments that are strings of one line, and nothing else")
            lines.append(f"{_name(name)}: {value}")
        return "\n".join(lines)

    def read(self, text: str) -> Json:
        name, *lines = text.split("\n")
        return {"name": _name(name), "arguments": dict(_argument(line) for line in lines)}

    def grammar(self, input: Json) -> str:
        calls = [_call(number, _read(method)) for number, method in enumerate(input["methods"])]
        rules = [rule for _, own in calls for rule in own]
        start = " | ".join(call for call, _ in calls)
        return "\n".join([f"start: {start}", *rules, f"VALUE: /[^\\n]{{1,{LONGEST_VALUE}}}/"])

    def longest(self) -> int | None:
        return None  # names are the methods' on offer, which come with each input


def _faults(method: Json) -> list[str]:
    if ("parameters" in method) == ("inputSchema" in method):
        return [": say either 'parameters' or, as MCP does, 'inputSchema'"]
    schema = method.get("inputSchema", {})
    if not isinstance(schema.get("properties", {}), dict) or not isinstance(schema.get("required", []), list):
        return [".inputSchema: is no JSON Schema of an object: 'properties' must be an object, 'required' a list"]
    if any(
        isinstance(each, dict) and not isinstance(each.get("enum", []), list) for each in _properties(method).values()
    ):
        return [".inputSchema: is no JSON Schema of an object: an 'enum' must be a list"]
    read = _read(method)
    names = (read.name, *read.parameters)
    found = [f": {name[:64]!r} is no name; {_NAMES}" for name in names if not _NAME.fullmatch(name)]
    if wrong := [value for each in read.parameters.values() for value in each.values if not _is_value(value)]:
        found.append(f": a value on offer has one line of 1 to {LONGEST_VALUE} characters; one has {len(wrong[0])}")
    missing = sorted(read.required - read.parameters.keys())
    return found + [f".required: {name!r} is none of its parameters" for name in missing]


def _is_value(value: str) -> bool:
    return 0 < len(value) <= LONGEST_VALUE and "\n" not in value


def _properties(method: Json) -> Json:
    return cast(Json, method["inputSchema"].get("properties", {}) if "inputSchema" in method else method["parameters"])


def _read(method: Json) -> _Method:
    required = method.get("inputSchema", method).get("required", [])
    parameters = {name: _parameter(told) for name, told in sorted(_properties(method).items())}
    return _Method(method["name"], method.get("description", ""), parameters, frozenset(map(str, required)))


def _parameter(told: Any) -> _Parameter:
    """Of a JSON Schema too, which may be `true`."""
    known = told if isinstance(told, dict) else {}
    values = known.get("enum", [known["const"]] if "const" in known else [])
    return _Parameter(str(known.get("description", "")), tuple(_written(value) for value in values))


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _described(method: _Method) -> str:
    """Optional parameters with a question mark, behind each what it is and may be."""
    lines = [f"{method.name}: {_line(method.description)}"]
    for name, parameter in method.parameters.items():
        mark = "" if name in method.required else "?"
        values = f" [{'|'.join(parameter.values)}]" if parameter.values else ""
        lines.append(f"- {name}{mark}: {_line(parameter.description)}{values}")
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_DESCRIPTION]


def _call(number: int, method: _Method) -> tuple[str, list[str]]:
    """What stands for a call of `method`, and the rules that it needs."""
    rules, pieces = [], [_quoted(method.name)]
    for place, (name, parameter) in enumerate(method.parameters.items()):
        rule = f"argument{number}_{place}"
        value = " | ".join(map(_quoted, parameter.values)) if parameter.values else "VALUE"
        rules.append(f"{rule}: {_quoted(chr(10) + name + ': ')} ({value})")
        pieces.append(rule if name in method.required else f"{rule}?")
    return " ".join(pieces), rules


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _argument(line: str) -> tuple[str, str]:
    name, found, value = line.partition(": ")
    if not found or not value:
        raise FormatError("a line of the arguments has no ': ' with a value behind it")
    return _name(name), value


def _name(name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FormatError(f"format 'call': {_NAMES}")
    return name
