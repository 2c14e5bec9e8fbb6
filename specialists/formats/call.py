"""The call format: a method's name, then its arguments in order of name, one line each as `name: value`.

    FindBus
    from_location: Seattle
    leaving_date: 2019-03-08

Knows no methods: those on offer come with each input, and the grammar lets an answer name no others, leave out no
argument that is required, and give one that has a list of values none but those.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from specialists.formats import FormatError, Json

#: Characters of one value.
LONGEST_VALUE = 80
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_NAMES = "a name is letters, digits, '_', '.' and '-', and begins with a letter or '_'"


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
            "methods": "\n".join(_described(method) for method in input["methods"]),
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
        calls = [_call(number, method) for number, method in enumerate(input["methods"])]
        rules = [rule for _, own in calls for rule in own]
        start = " | ".join(call for call, _ in calls)
        return "\n".join([f"start: {start}", *rules, f"VALUE: /[^\\n]{{1,{LONGEST_VALUE}}}/"])

    def longest(self) -> int | None:
        return None  # names are the methods' on offer, which come with each input


def _faults(method: Json) -> list[str]:
    names, parameters = (method["name"], *method["parameters"]), method["parameters"]
    found = [f": {name[:64]!r} is no name; {_NAMES}" for name in names if not _NAME.fullmatch(name)]
    missing = sorted(set(method.get("required", ())) - parameters.keys())
    return found + [f".required: {name!r} is none of its parameters" for name in missing]


def _described(method: Json) -> str:
    """Optional parameters with a question mark, behind each what it is and may be."""
    lines = [f"{method['name']}: {_line(method.get('description', ''))}"]
    for name, parameter in sorted(method["parameters"].items()):
        mark = "" if name in method.get("required", []) else "?"
        values = f" [{'|'.join(parameter['enum'])}]" if "enum" in parameter else ""
        lines.append(f"- {name}{mark}: {_line(parameter.get('description', ''))}{values}")
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _call(number: int, method: Json) -> tuple[str, list[str]]:
    """What stands for a call of `method`, and the rules that it needs."""
    required, rules, pieces = method.get("required", []), [], [_quoted(method["name"])]
    for place, (name, parameter) in enumerate(sorted(method["parameters"].items())):
        rule, values = f"argument{number}_{place}", parameter.get("enum")
        value = " | ".join(map(_quoted, values)) if values else "VALUE"
        rules.append(f"{rule}: {_quoted(chr(10) + name + ': ')} ({value})")
        pieces.append(rule if name in required else f"{rule}?")
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
