"""Prefixes: keys and values of prompts, kept for prompts that begin alike. Knows no model and no requests.

A specialist's constant beginning is in every prompt, so it is always kept, unless a prompt is larger than all of the
room. The texts of callers also begin alike more often than expected ("How do I", "add the").
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

#: In tokens: shorter beginnings cost as much to keep and to copy as to compute.
WORTH = 2


@dataclass
class Kept:
    specialist: str
    tokens: Sequence[int]
    pairs: Any  #: their keys and values, (layers, 2, tokens, KH, D)

    @property
    def bytes(self) -> int:
        return int(self.pairs.nbytes)


@dataclass
class _Node:
    """A token that some kept prompts have in common up to this point."""

    through: dict[int, Kept] = field(default_factory=dict)
    next: dict[int, _Node] = field(default_factory=dict)


class Prefixes:
    """Keeps at most `most` bytes; the least recently used prompts go first. For one thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._kept: OrderedDict[int, Kept] = OrderedDict()
        self._roots: dict[str, dict[int, _Node]] = {}

    @property
    def bytes(self) -> int:
        return self._bytes

    def find(self, specialist: str, tokens: Sequence[int]) -> tuple[Kept | None, int]:
        """A kept prompt that begins as `tokens` does, and how many tokens they have in common."""
        children, found, length = self._roots.get(specialist, {}), None, 0
        for token in tokens:
            if not (node := children.get(token)):
                break
            found, length, children = next(reversed(node.through.values())), length + 1, node.next
        if found is None or length < WORTH:
            return None, 0
        self._kept.move_to_end(id(found))
        return found, length

    def keep(self, kept: Kept) -> None:
        """A prompt that is larger than all of the room is not kept."""
        if kept.bytes > self._most:
            return
        self._kept[id(kept)] = kept
        self._bytes += kept.bytes
        children = self._roots.setdefault(kept.specialist, {})
        for token in kept.tokens:
            node = children.setdefault(token, _Node())
            node.through[id(kept)] = kept
            children = node.next
        while self._bytes > self._most:
            self._forget()

    def clear(self) -> None:
        self._kept.clear()
        self._roots.clear()
        self._bytes = 0

    def _forget(self) -> None:
        key, oldest = self._kept.popitem(last=False)
        self._bytes -= oldest.bytes
        children = self._roots[oldest.specialist]
        for token in oldest.tokens:
            node = children[token]
            del node.through[key]
            if not node.through:
                del children[token]  # this drops all that follows, because no other prompt came this far
                return
            children = node.next
