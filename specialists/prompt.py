"""A prompt: a template with an input's fields filled in, and which part of it may be cut. Knows no tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Prompt:
    text: str
    cut: tuple[int, int] | None = None  #: its characters from the first on, before the second, may be cut at their end


def placeholders(template: str) -> list[str]:
    """The fields that it names, in order, each as often as it does."""
    return _PLACEHOLDER.findall(template)


def fill(template: str, fields: Mapping[str, str], cut: str | None = None) -> Prompt:
    """`template` with `fields` in it, each inserted once: a placeholder inside a value stays text.

    `cut`: the field that may be cut, named once by the template; None: none.
    """
    text, span = "", None
    for number, piece in enumerate(_PLACEHOLDER.split(template)):
        named = number % 2 == 1  # what is between two placeholders, and a placeholder's name, by turns
        value = fields.get(piece, "") if named else piece
        if named and piece == cut:
            span = len(text), len(text) + len(value)
        text += value
    return Prompt(text, span)
