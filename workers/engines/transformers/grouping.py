"""Grouping: which pieces of a step attend in one call, so that few calls pad little. Runs no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

#: What a call costs, in microseconds: CALL for itself, SLOT for each of its slots, and PAIR for each pair of a padded
#: token and a position. They were fitted to 13 shapes from one to 16,384 pairs (AMX and AVX-512, bf16 and fp32,
#: 2026-11); only their ratios matter. COPY is the cost of copying the keys and values of one position.
CALL, SLOT, PAIR, COPY = 40.0, 2.0, 0.015, 0.1


@dataclass(frozen=True)
class Piece:
    """Consecutive tokens of one slot, fed in one step."""

    slot: int
    start: int  #: position of the first token
    tokens: list[int]
    specialist: str

    @property
    def reach(self) -> int:
        """How many positions its last token sees."""
        return self.start + len(self.tokens)


def grouped(pieces: Sequence[Piece]) -> list[list[int]]:
    """Indices of `pieces`, by group. Pieces of like lengths come together first; then groups join while that pays."""
    order = sorted(range(len(pieces)), key=lambda n: _shape(pieces[n]))
    groups = [list(same) for _, same in groupby(order, key=lambda n: _shape(pieces[n]))]
    while len(groups) > 1:
        gains = [
            _cost(pieces, one) + _cost(pieces, other) - _cost(pieces, one + other) for one, other in pairwise(groups)
        ]
        best = max(range(len(gains)), key=gains.__getitem__)
        if gains[best] <= 0:
            break
        groups[best : best + 2] = [groups[best] + groups[best + 1]]
    return groups


def together(group: Sequence[Piece]) -> slice | list[int]:
    """The slots of a group, by number, in the cheaper of two forms. A slice takes neighbours, with the slots of other
    requests between them, and copies nothing. A list takes only the group's own, and copies their keys and values."""
    slots = sorted(piece.slot for piece in group)
    width, reach = max(len(piece.tokens) for piece in group), max(piece.reach for piece in group)
    strangers = slots[-1] - slots[0] + 1 - len(slots)
    if strangers * (SLOT + PAIR * width * reach) <= CALL / 2 + COPY * reach * len(slots):
        return slice(slots[0], slots[-1] + 1)
    return slots


def _shape(piece: Piece) -> tuple[int, int]:
    """The width and the reach, rounded to powers of two."""
    return (len(piece.tokens) - 1).bit_length(), max(4, (piece.reach - 1).bit_length())


def _cost(pieces: Sequence[Piece], group: Sequence[int]) -> float:
    width = max(len(pieces[n].tokens) for n in group)
    reach = max(pieces[n].reach for n in group)
    return CALL + len(group) * (SLOT + PAIR * width * reach)
