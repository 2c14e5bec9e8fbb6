"""The pairs of the line format: a list of objects with two strings, a line each as `name: value`. Knows no other line.

An optional list has the line `-` where it is absent, which is no pair, and no line at all where it is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specialists.copies import Copy
from specialists.formats import FormatError, Json, utf8_bytes
from specialists.formats.line_scalar import CHARACTER_BYTES
from specialists.formats.line_words import ABSENT, any_of, member_of, words_of
from specialists.formats.spans import line_span, source_lines


@dataclass(frozen=True)
class Pairs:
    name: str
    optional: bool
    key: str  #: the property that says which value it is
    value: str
    words: dict[str, str]  #: enum member -> its words
    least: int  #: items
    most: int
    shortest: int  #: characters of one value
    longest: int
    copy: Copy | None  #: of values that are parts of the input

    @classmethod
    def of(cls, name: str, schema: Json, optional: bool) -> Pairs:
        """Raises FormatError."""
        items = schema.get("items", {}).get("properties", {})
        if len(items) != 2 or "enum" not in next(iter(items.values())):
            raise FormatError(f"format 'lines': items of {name!r} must have two properties, the first an enum")
        (key, keys), (value, text) = items.items()
        if text.get("type") != "string" or "maxLength" not in text:
            raise FormatError(f"format 'lines': {value!r} of {name!r} must be a text with 'maxLength'")
        words = words_of(keys["enum"])
        if any(":" in each for each in words.values()):
            raise FormatError(f"format 'lines': a member of {key!r} has a colon")
        items_bounds = schema.get("minItems", 0), schema["maxItems"]
        text_bounds = max(1, text.get("minLength", 0)), text["maxLength"]
        return cls(name, optional, key, value, words, *items_bounds, *text_bounds, Copy.of(text))

    def write(self, output: Json) -> list[str]:
        if self.optional and self.name not in output:
            return [ABSENT]
        return [self._line(item) for item in output[self.name]]

    def _line(self, item: Json) -> str:
        value = item.get(self.value)
        if self.key not in item or not isinstance(value, str) or "\n" in value or not value:
            raise FormatError("format 'lines' holds pairs of a name and a value that is one line of some characters")
        return f"{self.words[item[self.key]]}: {value}"

    def read(self, lines: Sequence[str]) -> Json:
        """The list that `lines` stand for; {} where it is absent. Raises FormatError."""
        if self.optional and list(lines) == [ABSENT]:
            return {}
        return {self.name: [self._pair(line) for line in lines]}

    def _pair(self, line: str) -> Json:
        words, found, value = line.partition(": ")
        if not found or not value:
            raise FormatError("a line of the list has no ': ' with a value behind it")
        return {self.key: member_of(self.words, words, self.key), self.value: value}

    def longest_bytes(self) -> list[int]:
        """Of each line."""
        line = max(map(utf8_bytes, self.words.values())) + len(": ") + CHARACTER_BYTES * self.longest
        return [line] * self.most or [len(ABSENT)] * self.optional

    def rules(self, head: str, input: Json) -> list[str]:
        """The whole grammar's, where `head` is the expression for the lines above the list; "" where there are none."""
        text = source_lines(self.copy, input)
        can_pair = self.most > 0 and text != ""  # of an empty text nothing can be copied: there is no pair
        some = [_QUOTED] * self.optional + [self._several()] * can_pair
        lines = f"({_BREAK if head else ''} ({' | '.join(some)})){'' if self.least else '?'}" if some else ""
        start = f"start: {head} {lines}" if head or lines else 'start: ""'
        return [start, *(self._pair_rules(text) if can_pair else [])]

    def _several(self) -> str:
        least, most = max(0, self.least - 1), self.most - 1
        return f"pair ({_BREAK} pair){{{least},{most}}}" if most else "pair"

    def _pair_rules(self, text: str | None) -> list[str]:
        bounded = f"VALUE: /[^\\n]{{{self.shortest},{self.longest}}}/"
        value = [bounded] if text is None else line_span("VALUE", text, self.shortest, self.longest)
        return ['pair: key ": " VALUE', f"key: {any_of(self.words)}", *value]


_QUOTED = f'"{ABSENT}"'
_BREAK = r'"\n"'
