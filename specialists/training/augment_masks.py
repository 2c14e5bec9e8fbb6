"""Augmentation of masks: parts that vary are exchanged for others that look alike, and the masks stay. Pure."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import NamedTuple

from specialists.copies import Mask
from specialists.examples import Example
from specialists.masks import Place, places_behind
from specialists.schemas import Json


class Masked(NamedTuple):
    """A field of the output that is a mask of a field of the input."""

    field: str
    mask: Mask


def mask_in(schema: Json) -> Masked | None:
    """The first one of the outputs, if there is any."""
    fields = schema.get("properties", {}).items()
    return next((Masked(name, mask) for name, each in fields if (mask := Mask.of(each))), None)


def exchanged_parts(examples: Sequence[Example], masked: Masked, count: int, draw: random.Random) -> list[Example]:
    """Make `count` new examples, or none if nothing varies in any. A number is exchanged for a number, a path for a
    path of as many names.
    """
    usable = [(example, places) for example in examples if (places := _places(example, masked))]
    pools: dict[str, list[str]] = defaultdict(list)
    for example, places in usable:
        for part in _parts(example.input[masked.mask.field], places):
            pools[_look(part)].append(part)
    drawn = islice(cycle(draw.sample(usable, len(usable))), count if usable else 0)
    return [_exchanged(example, places, masked, pools, draw) for example, places in drawn]


def _places(example: Example, masked: Masked) -> list[Place] | None:
    text, mask = example.input.get(masked.mask.field), example.output.get(masked.field)
    return places_behind(mask, text, masked.mask.mark) if isinstance(text, str) and isinstance(mask, str) else None


def _parts(text: str, places: Sequence[Place]) -> Iterator[str]:
    return (text[start:end] for start, end in places)


def _look(part: str) -> str:
    """What a part looks like: the kinds of its words, and all else as it is."""
    return re.sub(r"[^\W_]+", lambda word: "0" if word[0].isdigit() else "a" if word[0].isalpha() else "x", part)


def _exchanged(
    example: Example, places: Sequence[Place], masked: Masked, pools: Mapping[str, Sequence[str]], draw: random.Random
) -> Example:
    """As it is where other parts would not be found by the mask."""
    text, made, found, at = example.input[masked.mask.field], "", list[Place](), 0
    for (start, end), part in zip(places, _parts(text, places), strict=True):
        made += text[at:start]
        other = draw.choice(pools[_look(part)])
        found.append((len(made), len(made) + len(other)))
        made, at = made + other, end
    other_one = Example({**example.input, masked.mask.field: made + text[at:]}, example.output, example.source)
    return other_one if _places(other_one, masked) == found else example
