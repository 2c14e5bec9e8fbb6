"""The form of text: one way to write texts that look the same, for prompts. Knows no model and no specialist.

A model is trained on text in one form and reads every text in that form; a caller gets back parts of its own text. The
form: line ends are `\\n`; a blank of any kind is a space; text is in Unicode's normal form C; characters that cannot be
seen (control characters except tab and line feed, zero-width characters, byte order marks, soft hyphens, marks of
direction) are left out. A joiner stays where letters that are not ASCII, or emoji, need it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from specialists.copies import Copy, Mask, spaced
from specialists.masks import masked, places_behind
from specialists.schemas import Json, schema_at

_LINES = "\r\x0b\x0c\x85\u2028\u2029"
_BLANKS = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_UNSEEN = f"{_CONTROLS}\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_JOINERS = "\u200c\u200d"
_SPECIAL = re.compile(
    f"(?P<line>\r\n|[{_LINES}])"
    f"|(?P<blank>[{_BLANKS}])"
    f"|(?P<unseen>(?:[{_UNSEEN}]|(?:(?<=[\x00-\x7f{_LINES}{_BLANKS}])|^)[{_JOINERS}])[{_UNSEEN}{_JOINERS}]*)"
)
_WRITTEN = {"line": "\n", "blank": " ", "unseen": ""}
#: Schema keywords that keep a string exactly as it is: such a string is a name, not a text.
_EXACT = ("enum", "const", "pattern")


def normal(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _composed(_SPECIAL.sub(lambda found: _WRITTEN[str(found.lastgroup)], _composed(text)))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def told_back(part: str, text: str, as_words: bool = False) -> str | None:
    """The first part of `text` whose normal form is `part`; None if `part` is from elsewhere.

    `as_words`: in `part` and in what is told, each run of blanks and line breaks of `text` is one space.
    """
    if part in (spaced(text) if as_words else text) or not part:
        return part
    characters = [(character, start, end) for piece, start, end in _pieces(text) for character in piece]
    if as_words:
        characters = _spaced(characters)
    at = "".join(character for character, _, _ in characters).find(part)
    if at < 0:
        return None
    own = text[characters[at][1] : characters[at + len(part) - 1][2]]
    return spaced(own) if as_words else own


def _spaced(characters: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """With a space for each run of blanks and line breaks."""
    found: list[tuple[str, int, int]] = []
    for character, start, end in characters:
        if not character.isspace():
            found.append((character, start, end))
        elif found and found[-1][0] != " ":
            found.append((" ", start, end))
    return found


def mask_told_back(mask: str, text: str, mark: str) -> str | None:
    """The mask of `text` that says of it what `mask` says of its normal form; None if `mask` is of another text."""
    written, starts, ends = _traced(text)
    places = places_behind(mask, written, mark)
    if places is None or written == text:
        return None if places is None else mask
    starts.append(len(text))
    own = [(starts[start], ends[end - 1] if start < end else starts[start]) for start, end in places]
    return masked(text, own, mark)


def _traced(text: str) -> tuple[str, list[int], list[int]]:
    """The normal form, and of each of its characters where it begins and ends in `text`."""
    pieces = list(_pieces(text))
    starts = [start for piece, start, _ in pieces for _ in piece]
    ends = [end for piece, _, end in pieces for _ in piece]
    return "".join(piece for piece, _, _ in pieces), starts, ends


def _pieces(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the normal form in pieces, each with its span in `text`. Characters that are composed make one piece."""
    piece, start, end = "", 0, 0
    for unit, unit_start, unit_end in _units(text):
        if piece and not _composes(piece, unit):
            yield _composed(piece), start, end
            piece = ""
        if not piece:
            start = unit_start
        piece, end = piece + unit, unit_end
    if piece:
        yield _composed(piece), start, end


def _units(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each character before composition, with its span in `text`. Characters that are left out are skipped."""
    alone = [_composed(character) for character in text]
    whence = [at for at, written in enumerate(alone) for _ in written]
    written = "".join(alone)
    at = 0
    for found in _SPECIAL.finditer(written):
        yield from ((written[n], whence[n], whence[n] + 1) for n in range(at, found.start()))
        if instead := _WRITTEN[str(found.lastgroup)]:
            yield instead, whence[found.start()], whence[found.end() - 1] + 1
        at = found.end()
    yield from ((written[n], whence[n], whence[n] + 1) for n in range(at, len(written)))


def _composes(piece: str, unit: str) -> bool:
    if unit.isascii():
        return False
    return unicodedata.combining(unit) > 0 or _composed(piece + unit) != _composed(piece) + _composed(unit)


def normal_texts(value: Any, schema: Json) -> Any:
    """Return `value` with each text in its normal form; a string that the schema restricts by `_EXACT`
    stays as it is.
    """
    return _texts(value, schema, lambda text, schema: text if any(key in schema for key in _EXACT) else normal(text))


def own_copies(value: Any, schema: Json, input: Json) -> Any:
    """Return `value`, an answer about the normal form of `input`, with parts and masks of it as `input` has them."""

    def own(text: str, schema: Json) -> str:
        copy, mask = Copy.of(schema), Mask.of(schema)
        source = input.get(copy.field if copy else mask.field if mask else "")
        if not isinstance(source, str):
            return text
        told = told_back(text, source, copy.as_words) if copy else mask and mask_told_back(text, source, mask.mark)
        return told or text

    return _texts(value, schema, own)


def _texts(value: Any, schema: Json, change: Callable[[str, Json], str]) -> Any:
    if isinstance(value, str):
        return change(value, schema)
    if isinstance(value, list):
        return [_texts(item, schema_at(schema, n), change) for n, item in enumerate(value)]
    if isinstance(value, dict):
        named, rest = schema.get("properties", {}), schema.get("additionalProperties")
        others = rest if isinstance(rest, dict) else {}
        return {name: _texts(each, named.get(name, others), change) for name, each in value.items()}
    return value
