"""Techniques: how the engine saves work. Each can be switched off, to see what it is worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Techniques:
    prefix_bytes: int = 128 << 20  #: for keys and values of prompts, kept for others that begin alike; 0: none are kept
    forced: bool = True  #: tokens that the grammar leaves no choice of are appended, without a step for each
    picked: bool = True  #: if few tokens may come next, only their logits are computed
