"""Where the spans of an answer stand in a text: an answer names words, and words may stand at several places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Place = tuple[int, int]

_APART = r"[\W_]*"  #: what may stand between two letters or digits, where only these are compared


@dataclass(frozen=True)
class Wanted:
    """The words of one span, as an answer writes them."""

    words: str
    as_words: bool = False  #: blanks and line breaks, and at last punctuation, may be others in the text

    def ways(self) -> Iterator[re.Pattern[str]]:
        """How it may stand in a text; the first that does is meant.

        People who copy an address off several lines also add and drop commas: of 431 receipts all four fields stand
        word by word in 327, and letter by letter in 401.
        """
        yield re.compile(re.escape(self.words))
        if not self.as_words:
            return
        yield re.compile(r"\s+".join(map(re.escape, self.words.split())))
        letters = [n for n, each in enumerate(self.words) if each.isalnum()]
        if letters:
            tail = re.escape(self.words[letters[-1] + 1 :])
            yield re.compile(f"{_APART.join(re.escape(self.words[n]) for n in letters)}(?:{tail})?")


def places_of(wanted: Sequence[Wanted], text: str) -> list[Place] | None:
    """A place in `text` for each of `wanted`, no two of which overlap; None if there is none for one of them.

    Answers mostly name their spans in the order of the text, so each is looked for behind the last one first. Whole
    words go before parts of words. Longer spans that stand out of order are placed before shorter ones.
    """
    in_order = _in_order(wanted, text)
    return in_order if in_order is not None else _any_order(wanted, text)


def more_places(place: Place, text: str, taken: Sequence[Place]) -> Iterator[Place]:
    """Where the words at `place` stand too, as whole words that overlap none of `taken`."""
    same = re.compile(re.escape(text[slice(*place)]))
    return (each for each in _free(same, text, 0, taken) if _is_whole(each, text))


def _in_order(wanted: Sequence[Wanted], text: str) -> list[Place] | None:
    found: list[Place] = []
    for each in wanted:
        place = _first(each, text, found[-1][1] if found else 0, found)
        if place is None:
            return None
        found.append(place)
    return found


def _any_order(wanted: Sequence[Wanted], text: str) -> list[Place] | None:
    found: dict[int, Place] = {}
    for n in sorted(range(len(wanted)), key=lambda n: -len(wanted[n].words)):
        place = _first(wanted[n], text, 0, list(found.values()))
        if place is None:
            return None
        found[n] = place
    return [found[n] for n in range(len(wanted))]


def _first(wanted: Wanted, text: str, start: int, taken: Sequence[Place]) -> Place | None:
    for way in wanted.ways():
        free = list(_free(way, text, start, taken))
        if free:
            return next((place for place in free if _is_whole(place, text)), free[0])
    return None


def _free(way: re.Pattern[str], text: str, start: int, taken: Sequence[Place]) -> Iterator[Place]:
    for at in way.finditer(text, start):
        if not any(at.start() < end and first < at.end() for first, end in taken):
            yield at.span()


def _is_whole(place: Place, text: str) -> bool:
    """Whether no letter or digit goes on beyond either end."""
    start, end = place
    before, behind = text[start - 1 : start + 1], text[end - 1 : end + 1]
    return not (start and before.isalnum()) and not (end < len(text) and behind.isalnum())
