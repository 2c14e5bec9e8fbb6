"""A text as a trunk reads it: tokens, each with its place in the text. Knows no model and no specialist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from specialists.fitting import fit, without

Span = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    """A prompt as tokens."""

    ids: list[int]
    places: list[Span]  #: the characters of each token in `text`, without blanks around; empty for marks of the base
    text: str  #: the prompt as it was read
    cut: int  #: how many characters were cut to make it fit

    def part(self, span: Span) -> list[int]:
        """The tokens with characters inside of `span`, which may have been cut at its end, and none outside of it."""
        start, end = span[0], span[1] - self.cut
        return [n for n, (first, last) in enumerate(self.places) if start <= first < last <= end]


class Tokens:
    """Turns texts into tokens. A control token that is spelt out in a text stays text."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._marks = [self._tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]")]

    def read(self, prompt: str, limit: int, cut: Span | None = None) -> Reading:
        """`cut`: the characters that may be cut at their end. It raises `fitting.Unfit`."""
        _, left_out = fit(self.ids, prompt, cut, limit)
        text = without(prompt, cut, left_out)
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        places = [_bare(text, place) for place in encoded.offsets]
        return Reading(self._marked(encoded.ids), self._placed(places), text, left_out)

    def ids(self, text: str) -> list[int]:
        return self._marked(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _marked(self, ids: Sequence[int]) -> list[int]:
        start, end = self._marks
        return list(ids) if start is None or end is None else [start, *ids, end]

    def _placed(self, places: Sequence[Span]) -> list[Span]:
        return list(places) if None in self._marks else [(0, 0), *places, (0, 0)]


def _bare(text: str, place: Span) -> Span:
    """Byte-level tokens hold the blank before their word."""
    part = text[slice(*place)]
    start = place[0] + len(part) - len(part.lstrip())
    return start, start + len(part.strip())
