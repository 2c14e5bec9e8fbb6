"""A scalar of the line format: a string that has a line of its own. Knows no other line of the answer.

An optional one has its line too: `-` says that it is absent. A value that is hyphens alone is written with one more.
"""

from __future__ import annotations

from dataclasses import dataclass

from specialists.copies import Copy
from specialists.formats import FormatError, Json, utf8_bytes
from specialists.formats.line_words import ABSENT, NOT_HYPHENS, any_of, marked, member_of, unmarked, words_of
from specialists.formats.spans import line_span, longest_run, source_lines

CHARACTER_BYTES = 4  #: in UTF-8, at most


@dataclass(frozen=True)
class Scalar:
    name: str
    optional: bool
    words: dict[str, str] | None  #: enum member -> its line; None: any text
    shortest: int = 0  #: characters of a text
    longest: int = 0
    copy: Copy | None = None  #: of a text that is a part of the input

    @classmethod
    def of(cls, name: str, schema: Json, optional: bool) -> Scalar:
        """Raises FormatError."""
        if "enum" in schema or "const" in schema:
            words = words_of(schema.get("enum", [schema.get("const")]))
            lines = {member: marked(each) if optional else each for member, each in words.items()}
            return cls(name, optional, lines)
        if schema.get("type") != "string":
            raise FormatError(f"format 'lines': property {name!r} is neither a string nor a list of pairs")
        bounds = schema.get("minLength", 0), int(schema["maxLength"])
        return cls(name, optional, None, *bounds, Copy.of(schema))

    def write(self, output: Json) -> str:
        if self.optional and self.name not in output:
            return ABSENT
        value = output[self.name]
        if self.words is not None:
            return self.words[value]
        if not isinstance(value, str) or "\n" in value:
            raise FormatError("format 'lines' holds strings without a line break, and nothing else")
        return marked(value) if self.optional else value

    def read(self, line: str) -> Json:
        """The field that `line` stands for; {} where it is absent. Raises FormatError."""
        if self.optional and line == ABSENT:
            return {}
        if self.words is not None:
            return {self.name: member_of(self.words, line, self.name)}
        return {self.name: unmarked(line) if self.optional else line}

    def longest_bytes(self) -> int:
        if self.words is not None:
            return max(map(utf8_bytes, self.words.values()))  # no line is shorter than that of an absent field
        return max(CHARACTER_BYTES * self.longest, self.longest + 1 if self.optional else 0)

    def rules(self, number: int, input: Json) -> list[str]:
        """Those of the grammar; the first is `scalar<number>`."""
        rule = f"scalar{number}:"
        if self.words is not None:
            return [f"{rule} {any_of(self.words)}{f' | {_QUOTED}' if self.optional else ''}"]
        text = source_lines(self.copy, input)
        if text == "":  # nothing can be copied
            return [f'{rule} ""{f" | {_QUOTED}" if self.optional else ""}']
        if not self.optional:
            return self._required(number, text)
        return [f"{rule} LINE{number}", *self._optional(number, text)]

    def _required(self, number: int, text: str | None) -> list[str]:
        if text is None:
            return [f"scalar{number}: {self._any()}"]
        name = f"COPIED{number}"
        return [f"scalar{number}: {name}", *line_span(name, text, self.shortest, self.longest)]

    def _optional(self, number: int, text: str | None) -> list[str]:
        """The rules of terminal `LINE<number>`; it is one terminal, as its lines begin with the same characters."""
        least, most = max(1, self.shortest), self.longest if text is None else min(self.longest, longest_run(text, "-"))
        hyphens = f"/-|-{{{least + 1},{most + 1}}}/" if least <= most else "/-/"
        name = f"TEXT{number}"
        rules = [f"{name}: {self._any()}"] if text is None else line_span(name, text, self.shortest, self.longest)
        return [f"LINE{number}: ({name} & {NOT_HYPHENS}) | {hyphens}", *rules]

    def _any(self) -> str:
        return f"/[^\\n]{{{self.shortest},{self.longest}}}/"


_QUOTED = f'"{ABSENT}"'
