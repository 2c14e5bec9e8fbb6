"""Spans: strings that an answer may only copy out of the input, as parts of a grammar. Knows no format's layout.

A model that may only copy cannot invent a name, and most of a copied name is forced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from specialists.copies import Copy
from specialists.formats import Json

#: One character inside a JSON string, as `json.dumps` escapes it.
_ESCAPED = r'([^"\\\x00-\x1f]|\\(["\\\/bfnrt]|u[0-9a-fA-F]{4}))'


def source_lines(copy: Copy | None, input: Json) -> str | None:
    """The text that a line is copied from; empty where no line of it has a character that could be copied. None where
    nothing is to be copied.
    """
    return copy.source(input).strip("\n") if copy else None


def longest_run(text: str, character: str) -> int:
    """How often `character` follows itself in `text`, at most."""
    return max(map(len, re.findall(f"{re.escape(character)}+", text)), default=0)


def line_span(name: str, text: str, shortest: int, longest: int) -> list[str]:
    """The rules of terminal `name`: a part of one line of `text`, which has one, of so many characters."""
    most = max(map(len, text.split("\n")))
    bounded = f"/[^\\n]{{{min(shortest, most)},{min(longest, most)}}}/"
    return [f"{name}: {name}_SPAN & {bounded}", f"{name}_SPAN: %regex {json.dumps({'substring_chars': text})}"]


def json_span(name: str, text: str, shortest: int, longest: int) -> list[str]:
    """The rules of terminal `name`: a part of `text` as a JSON string, of so many characters."""
    most = len(text)
    bounded = f"/{_ESCAPED}{{{min(shortest, most)},{min(longest, most)}}}/"
    return [
        f'{name}: "\\"" {name}_PART "\\""',
        f"{name}_PART: {name}_SPAN & {bounded}",
        f"{name}_SPAN: %regex {json.dumps({'substring_chunks': _chunks(text)})}",
    ]


def _chunks(text: str) -> Sequence[str]:
    """Each character as it stands inside a JSON string: an escape is copied whole or not at all."""
    return [json.dumps(character, ensure_ascii=False)[1:-1] for character in text]
