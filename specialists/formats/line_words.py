"""Words: how a line says a member of an enum, and that a field is absent. Knows no layout.

A member is written as its words (`card_arrival` -> `card arrival`): fewer tokens, and ones the base model knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from specialists.formats import FormatError

ABSENT = "-"  #: the line of an optional field that an output does not have
NOT_HYPHENS = r"/(-*[^\n-][^\n]*)?/"  #: any line but one of hyphens alone


def marked(text: str) -> str:
    """The line of an optional field's value: hyphens alone get one more, so that no value reads as absent."""
    return text + ABSENT if text and not text.strip(ABSENT) else text


def unmarked(line: str) -> str | None:
    """The value of which `marked` made `line`; None says that the field is absent."""
    if line == ABSENT:
        return None
    return line[:-1] if line and not line.strip(ABSENT) else line


def words_of(members: Sequence[object]) -> dict[str, str]:
    """Each member with its words. Raises FormatError."""
    words = {}
    for member in members:
        if not isinstance(member, str):
            raise FormatError(f"format 'lines': an enum holds texts, and nothing else: {member!r} is none")
        words[member] = member.replace("_", " ")
    if len(set(words.values())) != len(words) or any("\n" in each or not each for each in words.values()):
        raise FormatError("format 'lines': enum members must stay distinct, one line each, when '_' becomes ' '")
    return words


def member_of(words: Mapping[str, str], text: str, name: str) -> str:
    """The member that `text` says. Raises FormatError."""
    for member, written in words.items():
        if written == text:
            return member
    raise FormatError(f"{name!r} is not one of its {len(words)} values")


def any_of(words: Mapping[str, str]) -> str:
    """The grammar's expression for any of the members."""
    return " | ".join(json.dumps(each, ensure_ascii=False) for each in words.values())
