"""Techniques: what the engine does to do less, each of which can be left out to see what it is worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Techniques:
    prefix_bytes: int = 128 << 20  #: of keys and values of prompts, kept for others that begin alike; 0: none
    forced: bool = True  #: tokens that the grammar leaves no choice of are appended without a step each
    picked: bool = True  #: where few tokens may come next, only their logits are computed
