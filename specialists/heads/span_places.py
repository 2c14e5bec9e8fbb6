"""Where the spans of an answer stand in a text: an answer names words, and words may stand at several places."""

from __future__ import annotations

import re
from collections.abc import Sequence

Place = tuple[int, int]


def places_of(words: Sequence[str], text: str) -> list[Place] | None:
    """A place in `text` for each of `words`, no two of which overlap; None if there is none for one of them.

    Answers mostly name their spans in the order of the text, so each is looked for behind the last one first. Whole
    words go before parts of words. Longer spans that stand out of order are placed before shorter ones.
    """
    in_order = _in_order(words, text)
    return in_order if in_order is not None else _any_order(words, text)


def _in_order(words: Sequence[str], text: str) -> list[Place] | None:
    found: list[Place] = []
    for each in words:
        place = _first(each, text, found[-1][1] if found else 0, found)
        if place is None:
            return None
        found.append(place)
    return found


def _any_order(words: Sequence[str], text: str) -> list[Place] | None:
    found: dict[int, Place] = {}
    for n in sorted(range(len(words)), key=lambda n: -len(words[n])):
        place = _first(words[n], text, 0, list(found.values()))
        if place is None:
            return None
        found[n] = place
    return [found[n] for n in range(len(words))]


def _first(words: str, text: str, start: int, taken: Sequence[Place]) -> Place | None:
    free = [
        (at.start(), at.end())
        for at in re.compile(re.escape(words)).finditer(text, start)
        if not any(at.start() < end and first < at.end() for first, end in taken)
    ]
    whole = [place for place in free if _is_whole(place, text)]
    return next(iter(whole or free), None)


def _is_whole(place: Place, text: str) -> bool:
    """Whether no letter or digit goes on beyond either end."""
    start, end = place
    before, behind = text[start - 1 : start + 1], text[end - 1 : end + 1]
    return not (start and before.isalnum()) and not (end < len(text) and behind.isalnum())
