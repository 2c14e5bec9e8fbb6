"""Augmentation: makes more examples from few by exchanging their values for those of other examples. Pure.

An answer may copy values out of its input, such as a company's name from a receipt. Then the same example can be told
with another value in that place: two examples make as many new ones as their values have pairings.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from specialists.examples import Example
from specialists.schemas import Json
from specialists.training.augment_masks import exchanged_parts, mask_in

#: The kind of a value: its place in the output, and the labels that stand beside it.
Key = tuple[str, ...]


@dataclass(frozen=True)
class _Value:
    text: str  #: as the output writes it
    surface: str  #: as the input writes it, perhaps with other white space


def augmented(examples: Sequence[Example], schema: Json, count: int, seed: int) -> list[Example]:
    """Make `count` new examples, or none if no value can be exchanged; `schema`: schema of the outputs.

    A value is exchanged for one from the same place of another output, wherever it stands in the input. Where outputs
    are masks, the parts that vary are the values.
    """
    draw = random.Random(seed)
    if masked := mask_in(schema):
        return exchanged_parts(examples, masked, count, draw)
    pools: dict[Key, list[_Value]] = defaultdict(list)
    found = [list(_values(example, schema)) for example in examples]
    for values in found:
        for key, value in values:
            pools[key].append(value)
    usable = [(example, values) for example, values in zip(examples, found, strict=True) if values]
    drawn = islice(cycle(draw.sample(usable, len(usable))), count if usable else 0)
    return [
        _exchanged(example, {value.text: (value, draw.choice(pools[key])) for key, value in values})
        for example, values in drawn
    ]


def _values(example: Example, schema: Json) -> Iterator[tuple[Key, _Value]]:
    """Yield the values of the output that also stand in the input."""
    words = "\n".join(_strings(example.input))
    for key, text in _leaves(example.output, schema, ()):
        if match := re.search(_pattern(text), words):
            yield key, _Value(text, match[0])


def _leaves(value: Any, schema: Json, key: Key) -> Iterator[tuple[Key, str]]:
    """Yield each free string with its key."""
    if isinstance(value, str) and value.strip() and "enum" not in schema:
        yield key, value
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each, schema.get("items", {}), key)
    elif isinstance(value, dict):
        schemas = {name: schema.get("properties", {}).get(name, {}) for name in value}
        kinds = tuple(str(value[name]) for name in value if "enum" in schemas[name])
        for name, each in value.items():
            yield from _leaves(each, schemas[name], (*key, *kinds, name))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _pattern(text: str) -> str:
    """A pattern for `text` as words of its own, with any white space between them."""
    words = r"\s+".join(map(re.escape, text.split()))
    return rf"(?<!\w){words}(?!\w)"


def _exchanged(example: Example, pairs: Mapping[str, tuple[_Value, _Value]]) -> Example:
    """Return the example with values exchanged, longer ones first, so that a value inside another changes with it."""
    texts = sorted(pairs, key=len, reverse=True)
    anywhere = re.compile("|".join(f"({_pattern(text)})" for text in texts))

    def other(match: re.Match[str]) -> str:
        assert match.lastindex
        return pairs[texts[match.lastindex - 1]][1].surface

    def in_output(text: str) -> str:
        return pairs[text][1].text if text in pairs else text

    return Example(
        _mapped(example.input, lambda text: anywhere.sub(other, text)),
        _mapped(example.output, in_output),
        example.source,
    )


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """Return `value` with each of its strings changed, except the names of fields."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _mapped(each, change) for name, each in value.items()}
    return value
