"""Draws texts for a string's schema: from an input, a pattern or the field's name. Knows no specialist."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any, TypeVar

from coordinator.rehearsal.draw import Draw, NoStandIn
from coordinator.rehearsal.patterns import NotSimple, text_of
from infra.records import Json
from specialists.copies import Copy, Mask
from specialists.masks import masked

Word = TypeVar("Word")

#: There are few words, so that counting and grouping find some of them twice.
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour", "island", "juniper")
SHORT = 60  #: the most characters of a text whose schema names no greatest length
MOST_MONEY = 100
FIRST_DAY = date(2026, 1, 1)
DAYS = 365
TRIES = 12  #: how many texts are drawn for a pattern, before each number of extra repeats is tried in turn
LONGEST = 200  #: the most extra repeats that are tried in turn


def drawn_text(schema: Json, draw: Draw, input: Json, where: str) -> str:
    """Draw a text for `schema`. Raises NoStandIn, which names the place `where`; its last name is the field's."""
    least = schema.get("minLength", 0)
    lengths = least, schema.get("maxLength", max(least, SHORT))
    if copy := Copy.of(schema):
        texts: Iterable[str] = _shuffled(_copies(copy.source(input), lengths), draw)
    elif mask := Mask.of(schema):
        texts = _masks(input.get(mask.field), mask.mark, draw)
    else:
        texts = _texts(where.rpartition(".")[2], schema.get("pattern"), draw, lengths)
    found = next((text for text in texts if _keeps(text, schema, lengths)), None)
    if found is None:
        raise NoStandIn(f"{where}: no text was found that is long enough, short enough and of its pattern")
    return found


def _keeps(text: str, schema: Json, lengths: tuple[int, int]) -> bool:
    return lengths[0] <= len(text) <= lengths[1] and ("pattern" not in schema or _found(schema["pattern"], text))


def _found(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _copies(text: str, lengths: tuple[int, int]) -> list[str]:
    """The words of the input's field that are neither too short nor too long; the field's beginning if none is."""
    words = [word.strip(string.punctuation) for word in text.split()]
    return [word for word in words if word and lengths[0] <= len(word) <= lengths[1]] or [text[: lengths[1]]]


def _masks(text: Any, mark: str, draw: Draw) -> list[str]:
    """The text with one of its words masked, and as it is, which is shorter where words are."""
    whole = text if isinstance(text, str) else ""
    words = [word.span() for word in re.finditer(r"\S+", whole)]
    return [masked(whole, [each], mark) for each in _shuffled(words, draw)] + [masked(whole, [], mark)]


def _shuffled(words: list[Word], draw: Draw) -> list[Word]:
    """The words in their order, but beginning with a drawn one."""
    first = draw.below(len(words)) if words else 0
    return words[first:] + words[:first]


def _texts(name: str, pattern: str | None, draw: Draw, lengths: tuple[int, int]) -> Iterator[str]:
    """Texts to try in order: one by the field's name, then dates and times, and at last texts by the pattern."""
    yield _text(name, draw, lengths)
    if pattern is None:
        return
    yield from (_date(draw), _moment(draw), _time(draw))
    try:
        yield from (text_of(pattern, draw.at(n), range(3 + n)) for n in range(TRIES))
        yield from (text_of(pattern, draw, range(n, n + 1)) for n in range(min(lengths[1], LONGEST) + 1))
    except NotSimple:
        return


def _text(name: str, draw: Draw, lengths: tuple[int, int]) -> str:
    """A date, a time or an amount if the field's name speaks of one, so that functions can compute; else words."""
    words = set(name.lower().split("_"))
    written = next((write(draw) for named, write in _BY_NAME if words & named), "")
    if written and lengths[0] <= len(written) <= lengths[1]:
        return written
    count = draw.at("words").between(1, 2)
    while len(text := " ".join(draw.at(n).one_of(WORDS) for n in range(count))) < lengths[0]:
        count += 1
    return text if len(text) <= lengths[1] else text.split()[0][: lengths[1]].ljust(lengths[0], "a")


def _date(draw: Draw) -> str:
    return (FIRST_DAY + timedelta(days=draw.at("day").below(DAYS))).isoformat()


def _time(draw: Draw) -> str:
    return f"{draw.at('hour').below(24):02}:{draw.at('minute').below(60):02}"


def _moment(draw: Draw) -> str:
    return f"{_date(draw)}T{_time(draw)}:00Z"


def _money(draw: Draw) -> str:
    return f"{draw.at('whole').below(MOST_MONEY)}.{draw.at('part').below(100):02}"


_BY_NAME: tuple[tuple[frozenset[str], Callable[[Draw], str]], ...] = (
    (frozenset({"date"}), _date),
    (frozenset({"time"}), _time),
    (frozenset({"total", "subtotal", "amount", "price", "cost", "fee", "tax", "sum"}), _money),
)
