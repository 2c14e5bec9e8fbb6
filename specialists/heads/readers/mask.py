"""A mask, read off the tokens' states: which tokens of a text vary, and which blanks between them. Knows no base.

Bases read no blanks, and what varies may be one, or begin or end with one. So a blank is judged by the states of its
two neighbours, and by weights of its own: judged as tokens are, it would always be what its neighbours are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from specialists.head_rule import FieldRule
from specialists.heads.readers.reader import Read, Reader, Seen, Values
from specialists.heads.tokens import Reading, Span
from specialists.masks import masked, places_behind
from specialists.schemas import Json

CONSTANT, VARIES, BEHIND_EMPTY = range(3)  #: the last is constant, and behind an empty part that varies


@dataclass(frozen=True)
class Pieces:
    """A text's tokens and the blanks between them, in order."""

    places: list[Span]  #: of each in the prompt
    before: list[int]  #: the token that it is, or of a blank the one before it
    behind: list[int]  #: the same token, or of a blank the one behind it
    shares: list[float]  #: of a blank: how near the token behind it is, between 0 and 1; of a token 0


class MaskReader(Reader):
    """One field of the output that is an input field with marks for what varies."""

    def __init__(self, rule: FieldRule, width: int) -> None:
        super().__init__()
        assert rule.mask, "of a mask"
        self.rule, self.mark = rule, rule.mask.mark
        self.out = nn.Linear(width, 3)
        self.blanks = nn.Linear(2 * width, 3)
        for layer in (self.out, self.blanks):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    # -- learning --

    def aim(self, output: Json, reading: Reading, source: Span) -> torch.Tensor | None:
        """A token that is constant and varying counts as what its larger half is."""
        if self.rule.field not in output:
            return None
        places = places_behind(output[self.rule.field], reading.text[slice(*source)], self.mark)
        if places is None:
            return None
        pieces = pieces_of(reading, source).places
        tags = torch.full((len(pieces),), CONSTANT)
        for start, end in places:
            inside = _inside(pieces, source[0] + start, source[0] + end)
            if not inside or bool((tags[inside] != CONSTANT).any()):
                return None
            tags[inside] = VARIES if start < end else BEHIND_EMPTY
        return tags

    def loss(self, seen: Seen, aims: Sequence[torch.Tensor]) -> torch.Tensor:
        scores = [self._scores(pieces, states) for pieces, states in self._pieces(seen)]
        return torch.stack([F.cross_entropy(*pair) for pair in zip(scores, aims, strict=True) if len(pair[1])]).sum()

    # -- reading --

    def read(self, seen: Seen) -> list[Read]:
        found = []
        for reading, source, (pieces, states) in zip(seen.readings, seen.sources, self._pieces(seen), strict=True):
            sure, tags = self._scores(pieces, states).float().log_softmax(-1).max(-1)
            places = _varying(pieces.places, tags.tolist(), source[0])
            values: Values = {self.rule.field: masked(reading.text[slice(*source)], places, self.mark)}
            found.append(Read(values, float(sure.sum().exp())))
        return found

    def _scores(self, pieces: Pieces, states: torch.Tensor) -> torch.Tensor:  # (T, D) -> (pieces, tags)
        before, behind = states[pieces.before], states[pieces.behind]
        shares = torch.tensor(pieces.shares, dtype=states.dtype)[:, None]
        both = torch.cat(((1 - shares) * before, shares * behind), -1)
        return torch.where(shares > 0, self.blanks(both), self.out(before))

    def _pieces(self, seen: Seen) -> list[tuple[Pieces, torch.Tensor]]:
        """With the states of the prompt that they are pieces of."""
        return [
            (pieces_of(reading, source), states)
            for reading, source, states in zip(seen.readings, seen.sources, seen.states, strict=True)
        ]


def pieces_of(reading: Reading, source: Span) -> Pieces:
    pieces = Pieces([], [], [], [])
    for token in reading.part(source):
        if pieces.places:
            _add_blanks(pieces, pieces.behind[-1], token, (pieces.places[-1][1], reading.places[token][0]))
        _add(pieces, reading.places[token], token, token, 0.0)
    return pieces


def _add_blanks(pieces: Pieces, before: int, behind: int, between: Span) -> None:
    start, end = between
    for at in range(start, end):
        _add(pieces, (at, at + 1), before, behind, (at + 1 - start) / (end + 1 - start))


def _add(pieces: Pieces, place: Span, before: int, behind: int, share: float) -> None:
    pieces.places.append(place)
    pieces.before.append(before)
    pieces.behind.append(behind)
    pieces.shares.append(share)


def _inside(pieces: Sequence[Span], start: int, end: int) -> list[int]:
    """The pieces of which at least one half is within the characters; for an empty part, the piece behind it."""
    if start == end:
        return [n for n, (first, _) in enumerate(pieces) if first == start][:1]
    return [n for n, (first, last) in enumerate(pieces) if 2 * start <= first + last <= 2 * end]


def _varying(pieces: Sequence[Span], tags: Sequence[int], first: int) -> list[Span]:
    """The parts that vary, in characters behind `first`."""
    return [
        (start - first, (end if tag == VARIES else start) - first)
        for (start, end), tag in zip(pieces, tags, strict=True)
        if tag != CONSTANT
    ]
