"""Masks: a text with a mark in place of each part that varies, as a log line's template is. Knows no schema, no model.

Blanks at the two ends of a text are no part of its mask.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

Place = tuple[int, int]

MARK = "<*>"


def masked(text: str, places: Sequence[Place], mark: str) -> str:
    """`places`: (start, end) of the parts that vary, in order.

    Parts that touch share a mark. An empty part has one too.
    """
    pieces, at = list[str](), len(text) - len(text.lstrip())
    for start, end in _joined(places):
        pieces.append(text[at:start])
        at = end
    return mark.join([*pieces, text[at:].rstrip()])


def _joined(places: Sequence[Place]) -> list[Place]:
    found: list[Place] = []
    for start, end in places:
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def is_mask(mask: str, text: str, mark: str) -> bool:
    """Whether `mask` is `text` with the mark in place of parts of it. It takes time linear in the two."""
    constants = mask.strip().split(mark)
    return _filled(constants, text.strip(), range(len(constants))) is not None


def places_behind(mask: str, text: str, mark: str) -> list[Place] | None:
    """The part of `text` that each mark stands for; None if `mask` is none of this text.

    Each part is as short as the rest allows. No part is empty where that can be helped.
    """
    constants, bare, skipped = mask.strip().split(mark), text.strip(), len(text) - len(text.lstrip())
    marks = range(len(constants) - 1)
    empty: list[Container[int]] = [(), *((n,) for n in marks), marks]
    found = next((found for each in empty if (found := _filled(constants, bare, each)) is not None), None)
    return None if found is None else [(start + skipped, end + skipped) for start, end in found]


def _filled(constants: Sequence[str], text: str, empty: Container[int]) -> list[Place] | None:
    """The parts between the constants. `empty`: the marks that may stand for nothing, by their numbers.

    Each constant is taken where it comes first. If it fits anywhere it fits there, since what follows has most room.
    """
    first, *others = constants
    if not others or not text.startswith(first):
        return [] if text == first else None
    places, at = list[Place](), len(first)
    for number, constant in enumerate(others):
        least = at + (number not in empty)
        is_last = number == len(others) - 1
        start = len(text) - len(constant) if is_last else text.find(constant, least)
        if start < least or not text.startswith(constant, start):
            return None
        places.append((at, start))
        at = start + len(constant)
    return places
