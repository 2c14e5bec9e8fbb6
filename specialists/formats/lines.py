"""The line format: each string of the output on a line of its own, then each pair of a list as `key: value`.

A required field is never more than its text. An optional field has the line `-` where it is absent.
"""

from __future__ import annotations

from specialists.formats import FormatError, Json, plain_fields
from specialists.formats.line_pairs import Pairs
from specialists.formats.line_scalar import Scalar


class LinesFormat:
    def __init__(self, output_schema: Json) -> None:
        self._scalars: list[Scalar] = []
        self._pairs: Pairs | None = None
        if not output_schema["properties"]:
            raise FormatError("format 'lines' needs 'properties': the fields that an answer has a line for")
        for name, schema in output_schema["properties"].items():
            if self._pairs is not None:
                raise FormatError(f"format 'lines': {name!r} follows a list; the list must be the last property")
            optional = name not in output_schema.get("required", [])
            if schema.get("type") == "array":
                self._pairs = Pairs.of(name, schema, optional)
            else:
                self._scalars.append(Scalar.of(name, schema, optional))

    def faults(self, input: Json) -> list[str]:
        return []

    def fields(self, input: Json) -> dict[str, str]:
        return plain_fields(input)

    def write(self, output: Json) -> str:
        lines = [scalar.write(output) for scalar in self._scalars]
        return "\n".join(lines + self._pairs.write(output) if self._pairs else lines)

    def read(self, text: str) -> Json:
        lines = text.split("\n") if text or self._scalars else []
        count = len(self._scalars)
        if len(lines) < count:
            raise FormatError(f"{len(lines)} lines, expected at least {count}")
        output: Json = {}
        for scalar, line in zip(self._scalars, lines, strict=False):
            output |= scalar.read(line)
        if self._pairs:
            return output | self._pairs.read(lines[count:])
        if len(lines) > count:
            raise FormatError(f"{len(lines) - count} lines too many")
        return output

    def longest(self) -> int | None:
        lines = [scalar.longest_bytes() for scalar in self._scalars]
        lines += self._pairs.longest_bytes() if self._pairs else []
        return sum(lines) + max(0, len(lines) - 1)

    def grammar(self, input: Json) -> str:
        head = ' "\\n" '.join(f"scalar{number}" for number in range(len(self._scalars)))
        start = self._pairs.rules(head, input) if self._pairs else [f"start: {head}"]
        return "\n".join([*start, *(rule for n, scalar in enumerate(self._scalars) for rule in scalar.rules(n, input))])
