"""The plan format: one line a step, as a call. Knows no catalog: the job types on offer come with each input.

    each messages: triage(text=item)
    each messages: entities(text=item)
    table(columns=[messages,s1,s2])
    count(items=s1,field="intent")

Line n is step `sn`. A bare word is a reference (an input, an earlier step, or `item` of the line's `each`); anything
else is JSON. About a quarter of the tokens of the same plan as JSON, and the grammar lets a line name earlier
steps only, so that no draft has a cycle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from specialists.formats import FormatError, Json

#: Lines of one draft. The longest plan of the public planning sets has seven; a bound ends a model that repeats itself.
MAX_STEPS = 8
#: Of a list or an object that is written out: the longest of those sets has seven.
MAX_ITEMS = 10
ITEM = "item"
#: Words that are no reference; an input of such a name could not be told from them.
RESERVED = frozenset({"true", "false", "null", "each", "after", ITEM})
_STEP = re.compile(r"s[1-9]\d{0,2}")
_NAME = re.compile(r"[^\s()=,:\"\[\]{}]+(?: [^\s()=,:\"\[\]{}]+)*")
_REFERENCE = re.compile(r"[A-Za-z_][\w.\-]*")
_LITERAL = 'STRING | NUMBER | "true" | "false" | "null"'
_TERMINALS = """
STRING: /"([^"\\\\\\x00-\\x1f]|\\\\["\\\\\\/bfnrt]){0,240}"/
NUMBER: /-?(0|[1-9][0-9]{0,15})(\\.[0-9]{1,12})?/
PATH: /(\\.[A-Za-z_][A-Za-z0-9_\\-]{0,63}){0,3}/"""


class PlanFormat:
    def __init__(self, output_schema: Json) -> None:
        if list(output_schema["properties"]) != ["steps"]:
            raise FormatError("format 'plan': the output must have exactly the property 'steps'")

    def longest(self) -> int | None:
        return None  # names are the job types' on offer, which come with each input

    def faults(self, input: Json) -> list[str]:
        return []

    def fields(self, input: Json) -> dict[str, str]:
        given = [f"{name}[]" if kind == "array" else name for name, kind in input.get("inputs", {}).items()]
        return {
            "goal": " ".join(input["goal"].split()),
            "inputs": ", ".join(given) or "nothing",
            "job_types": "\n".join(_signature(offer) for offer in input["job_types"]),
        }

    def write(self, output: Json) -> str:
        renamed = {step["id"]: f"s{number}" for number, step in enumerate(output["steps"], 1)}
        return "\n".join(_write_step(step, renamed) for step in output["steps"])

    def read(self, text: str) -> Json:
        return {"steps": [_Line(line).step(f"s{number}") for number, line in enumerate(text.split("\n"), 1)]}

    def grammar(self, input: Json) -> str:
        lines = [f'more{n}: ("\\n" line{n} more{n + 1})?' for n in range(2, MAX_STEPS + 1)]
        rules = ["start: line1 more2", *lines, f'more{MAX_STEPS + 1}: ""']
        for number in range(1, MAX_STEPS + 1):
            rules += _rules_of_line(number, input.get("inputs", {}), input["job_types"])
        return "\n".join(rules) + _TERMINALS


def _signature(offer: Json) -> str:
    returns = ",".join(offer.get("returns", []))
    return f"{offer['name']}({','.join(offer['params'])})" + (f" -> {returns}" if returns else "")


def _write_step(step: Json, renamed: dict[str, str]) -> str:
    if not _NAME.fullmatch(step["type"]):
        raise FormatError("format 'plan': a job type's name has a character that the format uses itself")
    each, item = "", None
    if "map" in step:
        each, item = f"each {_write_reference(step['map']['over'], renamed, None)}: ", step["map"]["as"]
    args = ",".join(f"{_name(name)}={_write_value(value, renamed, item)}" for name, value in step["args"].items())
    after = ",".join(renamed[earlier] for earlier in step.get("after", []))
    return f"{each}{step['type']}({args})" + (f" after {after}" if after else "")


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise FormatError("format 'plan': an argument's name has a character that the format uses itself")
    return name


def _write_value(value: Any, renamed: dict[str, str], item: str | None) -> str:
    if isinstance(value, dict) and set(value) == {"$ref"}:
        return _write_reference(value, renamed, item)
    if isinstance(value, list):
        return "[" + ",".join(_write_value(element, renamed, item) for element in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k, ensure_ascii=False)}:{_write_value(v, renamed, item)}" for k, v in value.items())
        return "{" + ",".join(pairs) + "}"
    return json.dumps(value, ensure_ascii=False)


def _write_reference(reference: Json, renamed: dict[str, str], item: str | None) -> str:
    written: str = reference["$ref"]
    if not _REFERENCE.fullmatch(written):
        raise FormatError("format 'plan': a reference has a character that the format uses itself")
    head, dot, path = written.partition(".")
    if head == "inputs":
        return path
    if head == item:
        return ITEM + dot + path
    if head not in renamed:
        raise FormatError("format 'plan': a reference to no step, input or item")
    return renamed[head] + dot + path


def _rules_of_line(number: int, inputs: Json, offers: list[Json]) -> list[str]:
    """The rules of line `number`: only earlier steps can be named, only lists gone over, `item` only behind `each`."""
    earlier = [f"s{n}" for n in range(1, number)]
    lists = [name for name, kind in inputs.items() if kind == "array"] + earlier
    tail = ""
    rules = [f"line{number}: step{number}" + (f" | each{number}" if lists else "")]
    if earlier:
        tail = f' (" after " after{number})?'
        rules.append(f"after{number}: {_some(_choice(earlier))}")
    named = [*inputs, *earlier]
    if named:
        rules.append(f"ref{number}: ({_choice(named)}) PATH")
    references = [f"ref{number}"] if named else []
    rules += _call_rules(f"step{number}", "", references, offers, tail)
    if lists:
        head = f'"each " ({_choice(lists)}) PATH ": " '
        rules += _call_rules(f"each{number}", head, [*references, f'"{ITEM}" PATH'], offers, tail)
    return rules


def _call_rules(rule: str, head: str, references: list[str], offers: list[Json], tail: str) -> list[str]:
    """`rule`: one call of a job type, and its values: `references`, literals, and lists and objects of both."""
    value = f"{rule}_value"
    member = f'STRING ":" {value}'
    calls = " | ".join(_call(offer["name"], list(offer["params"]), value) for offer in offers)
    return [
        f"{rule}: {head}({calls}){tail}",
        f"{value}: {' | '.join([*references, _LITERAL])} | {rule}_list | {rule}_object",
        f'{rule}_list: "[" ({_some(value)})? "]"',
        f'{rule}_object: "{{" ({_some(member)})? "}}"',
    ]


def _call(name: str, params: list[str], value: str) -> str:
    if not params:
        return _quote(f"{name}()")
    argument = f"({_choice(f'{param}=' for param in params)}) {value}"
    return f'{_quote(name + "(")} ({_some(argument, len(params))})? ")"'


def _some(rule: str, most: int = MAX_ITEMS) -> str:
    return f'({rule}) ("," ({rule})){{0,{most - 1}}}' if most > 1 else f"({rule})"


def _choice(words: Iterable[str]) -> str:
    return " | ".join(_quote(word) for word in words)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class _Line:
    """A cursor over one line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def step(self, step_id: str) -> Json:
        step: Json = {"id": step_id}
        over = self._reference(ITEM) if self._skip("each ") else None
        if over:
            self._expect(": ")
        step["type"] = self._match(_NAME, "a job type")
        if over:
            step["map"] = {"over": over, "as": ITEM}
        step["args"] = self._args()
        if self._skip(" after "):
            step["after"] = [self._match(_STEP, "a step")]
            while self._skip(","):
                step["after"].append(self._match(_STEP, "a step"))
        if self._at != len(self._text):
            raise FormatError(f"step {step_id}: something follows the call at column {self._at + 1}")
        return step

    def _args(self) -> Json:
        self._expect("(")
        args: Json = {}
        while not self._skip(")"):
            if args:
                self._expect(",")
            name = self._match(_NAME, "an argument's name")
            self._expect("=")
            args[name] = self._value()
        return args

    def _value(self) -> Any:
        if self._skip("["):
            return list(self._elements("]", self._value))
        if self._skip("{"):
            return dict(self._elements("}", self._member))
        if (found := _REFERENCE.match(self._text, self._at)) and found[0] not in ("true", "false", "null"):
            return self._reference(None)
        try:
            value, self._at = json.JSONDecoder().raw_decode(self._text, self._at)
        except ValueError:
            raise FormatError(f"no value at column {self._at + 1}") from None
        return value

    def _member(self) -> tuple[str, Any]:
        key = self._value()
        self._expect(":")
        return str(key), self._value()

    def _elements(self, end: str, element: Any) -> Iterable[Any]:
        first = True
        while not self._skip(end):
            if not first:
                self._expect(",")
            first = False
            yield element()

    def _reference(self, forbidden: str | None) -> Json:
        name = self._match(_REFERENCE, "a reference")
        head = name.partition(".")[0]
        if head == forbidden:
            raise FormatError(f"{head!r} cannot be what a step goes over")
        return {"$ref": name if _STEP.fullmatch(head) or head == ITEM else f"inputs.{name}"}

    def _match(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self._text, self._at)
        if not found:
            raise FormatError(f"expected {what} at column {self._at + 1}")
        self._at = found.end()
        return found[0]

    def _skip(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise FormatError(f"expected {text!r} at column {self._at + 1}")
