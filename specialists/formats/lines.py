"""The line format: each string of the output on a line of its own, each pair of a list as `key: value`.

An enum member is written as its words (`card_arrival` -> `card arrival`): fewer tokens, and ones the base model knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from specialists.formats import FormatError, Json, plain_fields, utf8_bytes
from specialists.formats.spans import line_span, source
from specialists.schemas import SPAN_OF

CHARACTER_BYTES = 4  #: in UTF-8, at most


@dataclass(frozen=True)
class _Pairs:
    """A list of two-string objects: the first names, the second says what."""

    name: str
    key: str
    value: str
    keys: dict[str, str]  #: enum member -> its words
    max_items: int
    max_length: int  #: characters of one value
    span_of: str | None  #: the input field of which each value is a verbatim part


class LinesFormat:
    def __init__(self, output_schema: Json) -> None:
        self._scalars: dict[str, dict[str, str] | int] = {}
        self._pairs: _Pairs | None = None
        self._copied: dict[str, tuple[str, int]] = {}  #: of a scalar: the input field, and the fewest characters
        if not output_schema["properties"]:
            raise FormatError("format 'lines' needs 'properties': the fields that an answer has a line for")
        for name, schema in output_schema["properties"].items():
            if self._pairs is not None:
                raise FormatError(f"format 'lines': {name!r} follows a list; the list must be the last property")
            if name not in output_schema.get("required", []):
                raise FormatError(f"format 'lines': property {name!r} is optional; every property must be required")
            if schema.get("type") == "array":
                self._pairs = _pairs(name, schema)
            elif "enum" in schema:
                self._scalars[name] = _words(schema["enum"])
            elif schema.get("type") == "string":
                self._scalars[name] = int(schema["maxLength"])
                if SPAN_OF in schema:
                    self._copied[name] = schema[SPAN_OF], schema.get("minLength", 0)
            else:
                raise FormatError(f"format 'lines': property {name!r} is neither a string nor a list of pairs")

    def faults(self, input: Json) -> list[str]:
        return []

    def fields(self, input: Json) -> dict[str, str]:
        return plain_fields(input)

    def write(self, output: Json) -> str:
        lines = []
        for name, kind in self._scalars.items():
            lines.append(kind[output[name]] if isinstance(kind, dict) else output[name])
        if self._pairs:
            pairs = self._pairs
            lines += [f"{pairs.keys[item[pairs.key]]}: {item[pairs.value]}" for item in output[pairs.name]]
        if any(not isinstance(line, str) or "\n" in line for line in lines):
            raise FormatError("format 'lines' holds strings without a line break, and nothing else")
        return "\n".join(lines)

    def read(self, text: str) -> Json:
        lines = text.split("\n") if text else []
        if len(lines) < len(self._scalars):
            raise FormatError(f"{len(lines)} lines, expected at least {len(self._scalars)}")
        output: Json = {}
        for (name, kind), line in zip(self._scalars.items(), lines, strict=False):
            output[name] = _member(kind, line, name) if isinstance(kind, dict) else line
        rest = lines[len(self._scalars) :]
        if self._pairs:
            output[self._pairs.name] = [self._pair(line) for line in rest]
        elif rest:
            raise FormatError(f"{len(rest)} lines too many")
        return output

    def _pair(self, line: str) -> Json:
        assert self._pairs
        words, found, value = line.partition(": ")
        if not found:
            raise FormatError("a line of the list has no ': '")
        return {self._pairs.key: _member(self._pairs.keys, words, self._pairs.key), self._pairs.value: value}

    def longest(self) -> int | None:
        lines = [_longest(kind) for kind in self._scalars.values()]
        if pairs := self._pairs:
            lines += [_longest(pairs.keys) + len(": ") + CHARACTER_BYTES * pairs.max_length] * pairs.max_items
        return sum(lines) + max(0, len(lines) - 1)

    def grammar(self, input: Json) -> str:
        rules: list[str] = []
        start: list[str] = []
        for number, (name, kind) in enumerate(self._scalars.items()):
            rules += (
                [f"scalar{number}: {_any_of(kind)}"]
                if isinstance(kind, dict)
                else self._text(number, name, kind, input)
            )
            start.append(f"scalar{number}")
        head = ' "\\n" '.join(start)
        if self._pairs is None:
            return "\n".join([f"start: {head}", *rules])
        pairs = self._pairs
        if pairs.span_of and not _copied_from(pairs.span_of, input):  # nothing can be copied: there is no pair
            return "\n".join([f"start: {head}" if head else 'start: ""', *rules])
        more = f'("\\n" pair){{0,{pairs.max_items - (0 if head else 1)}}}'
        rules += ['pair: key ": " VALUE', f"key: {_any_of(pairs.keys)}", *_value(pairs, input)]
        return "\n".join([f"start: {head} {more}" if head else f"start: (pair {more})?", *rules])

    def _text(self, number: int, name: str, longest: int, input: Json) -> list[str]:
        """The rules of a scalar that is any text, or a part of the input."""
        field, shortest = self._copied.get(name, (None, 0))
        if field is None:
            return [f"scalar{number}: /[^\\n]{{0,{longest}}}/"]
        if not (text := _copied_from(field, input)):
            return [f'scalar{number}: ""']
        return [f"scalar{number}: COPIED{number}", *line_span(f"COPIED{number}", text, shortest, longest)]


def _pairs(name: str, schema: Json) -> _Pairs:
    items = schema.get("items", {}).get("properties", {})
    if len(items) != 2 or "enum" not in next(iter(items.values())):
        raise FormatError(f"format 'lines': items of {name!r} must have two properties, the first an enum")
    (key, keys), (value, text) = items.items()
    if text.get("type") != "string" or "maxLength" not in text:
        raise FormatError(f"format 'lines': {value!r} of {name!r} must be a text with 'maxLength'")
    words = _words(keys["enum"])
    if any(":" in w for w in words.values()):
        raise FormatError(f"format 'lines': a member of {key!r} has a colon")
    return _Pairs(name, key, value, words, schema["maxItems"], text["maxLength"], text.get(SPAN_OF))


def _value(pairs: _Pairs, input: Json) -> list[str]:
    if pairs.span_of:
        return line_span("VALUE", _copied_from(pairs.span_of, input), 1, pairs.max_length)
    return [f"VALUE: /[^\\n]{{1,{pairs.max_length}}}/"]


def _copied_from(field: str, input: Json) -> str:
    """Empty where no line of it has a character that could be copied."""
    return source(field, input).strip("\n")


def _words(members: list[str]) -> dict[str, str]:
    if other := [member for member in members if not isinstance(member, str)]:
        raise FormatError(f"format 'lines': an enum holds texts, and nothing else: {other[0]!r} is none")
    words = {member: member.replace("_", " ") for member in members}
    if len(set(words.values())) != len(words) or any("\n" in w or not w for w in words.values()):
        raise FormatError("format 'lines': enum members must stay distinct, one line each, when '_' becomes ' '")
    return words


def _longest(kind: dict[str, str] | int) -> int:
    """Bytes of a scalar: of the longest member, or of so many characters."""
    return max(map(utf8_bytes, kind.values())) if isinstance(kind, dict) else CHARACTER_BYTES * kind


def _member(words: dict[str, str], text: str, name: str) -> str:
    for member, written in words.items():
        if written == text:
            return member
    raise FormatError(f"{name!r} is not one of its {len(words)} values")


def _any_of(words: dict[str, str]) -> str:
    return " | ".join(json.dumps(w, ensure_ascii=False) for w in words.values())
