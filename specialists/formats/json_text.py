"""The JSON format: the output as compact JSON, bounded by its schema. For shapes that no narrower format holds."""

from __future__ import annotations

import json

from specialists.formats import FormatError, Json, plain_fields, utf8_bytes
from specialists.formats.json_grammar import json_grammar

ESCAPED_BYTES = 6  #: of a character at most: backslash, u and four digits


class JsonFormat:
    def __init__(self, output_schema: Json) -> None:
        self._schema = output_schema

    def faults(self, input: Json) -> list[str]:
        return []

    def fields(self, input: Json) -> dict[str, str]:
        return plain_fields(input)

    def write(self, output: Json) -> str:
        return json.dumps(output, ensure_ascii=False, separators=(",", ":"))

    def read(self, text: str) -> Json:
        try:
            output = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"not JSON: {error}") from None
        if not isinstance(output, dict):
            raise FormatError("not a JSON object")
        return output

    def grammar(self, input: Json) -> str:
        return json_grammar(self._schema, input)

    def longest(self) -> int | None:
        return _longest(self._schema)


def _longest(schema: Json) -> int | None:
    """Of a number there is no longest, nor of what is said by a reference."""
    if "enum" in schema or "const" in schema:
        return max(_written(each) for each in schema.get("enum", [schema.get("const")]))
    match schema.get("type"):
        case "string":
            return 2 + ESCAPED_BYTES * schema["maxLength"] if "maxLength" in schema else None
        case "boolean":
            return _written(False)
        case "null":
            return _written(None)
        case "array" if "maxItems" in schema and "prefixItems" not in schema and isinstance(schema.get("items"), dict):
            item = _longest(schema["items"])
            return None if item is None else 2 + schema["maxItems"] * (item + 1)
        case "object" if (
            "patternProperties" not in schema and "properties" in schema and schema.get("additionalProperties") is False
        ):
            values = {name: _longest(each) for name, each in schema["properties"].items()}
            known = {name: each for name, each in values.items() if each is not None}
            return (
                2 + sum(_written(name) + each + 2 for name, each in known.items())
                if len(known) == len(values)
                else None
            )
    return None


def _written(value: object) -> int:
    return utf8_bytes(json.dumps(value))
