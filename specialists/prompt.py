"""A prompt: a template with an input's fields filled in, and the part of it that may be cut. Knows no tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Prompt:
    text: str
    cut: tuple[int, int] | None = None  #: (start, end) of the characters that may be cut from their end on
    source: tuple[int, int] | None = None  #: (start, end) of the characters that an answer may be parts of


def placeholders(template: str) -> list[str]:
    """The names of the fields in the template, in order, with repetitions."""
    return _PLACEHOLDER.findall(template)


def fill(template: str, fields: Mapping[str, str], cut: str | None = None, source: str | None = None) -> Prompt:
    """Fill `fields` into `template`. Values are inserted once: a placeholder inside a value stays text.

    `cut` and `source`: the field that may be cut, and the field that an answer may be parts of. The template names
    each of them once.
    """
    text, spans = "", dict[str, tuple[int, int]]()
    for number, piece in enumerate(_PLACEHOLDER.split(template)):
        named = number % 2 == 1  # the split gives plain text and placeholder names by turns
        value = fields.get(piece, "") if named else piece
        if named:
            spans[piece] = len(text), len(text) + len(value)
        text += value
    return Prompt(text, spans.get(cut or ""), spans.get(source or ""))
