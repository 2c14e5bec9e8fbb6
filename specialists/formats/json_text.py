"""The JSON format: the output as compact JSON, bounded by its schema. For shapes that no narrower format holds."""

from __future__ import annotations

import json

from specialists.formats import FormatError, Json, plain_fields


class JsonFormat:
    def __init__(self, output_schema: Json) -> None:
        # Without this a model may write blanks for ever, which every JSON grammar allows.
        self._schema = {**output_schema, "x-guidance": {"whitespace_flexible": False}}

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
        return f"start: %json {json.dumps(self._schema)}"
