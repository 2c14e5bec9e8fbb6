"""What a goal wants, by one linear layer: hashed words, the base's own vector of the goal, and its inputs' shape.

A head on the encoder's hidden states did worse on goals of writers held out (docs/log.md). Knows no plan.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open

HASHED = 1 << 13  #: numbers that n-grams of words are counted in
LONGEST_GRAM = 3  #: words
SHAPE = 4  #: numbers that say what the inputs are like
PREFIX = "wants."  #: of its tensors' names in an adapter's file
WEIGHT, BIAS = f"{PREFIX}weight", f"{PREFIX}bias"
_WORD = re.compile(r"\w+|[?>]")


def features(goal: str, vector: torch.Tensor, shape: Sequence[float]) -> torch.Tensor:
    """(HASHED + D + SHAPE,): n-grams of length 2 in all, the vector times 4, the shape."""
    words = _WORD.findall(goal.casefold())
    counts = torch.zeros(HASHED)
    for size in range(1, LONGEST_GRAM + 1):
        for at in range(len(words) - size + 1):
            gram = " ".join(words[at : at + size])
            counts[zlib.crc32(gram.encode()) % HASHED] += 1
    return torch.cat([2 * counts / counts.norm().clamp(min=1), 4 * vector, torch.tensor(list(shape))])


class WantsHead:
    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """`weight`: (wants, HASHED + D + SHAPE)."""
        self._weight, self._bias = weight.float(), bias.float()

    def logits(self, goal: str, vector: torch.Tensor, shape: Sequence[float]) -> list[float]:
        found: list[float] = (self._weight @ features(goal, vector, shape) + self._bias).tolist()
        return found

    @classmethod
    def load(cls, path: Path) -> WantsHead | None:
        """Of an adapter's file; None where it holds none."""
        with safe_open(path, framework="pt") as file:
            if WEIGHT not in set(file.keys()):
                return None
            return cls(file.get_tensor(WEIGHT), file.get_tensor(BIAS))

    def tensors(self) -> dict[str, torch.Tensor]:
        """In half precision, by the names that they are saved under."""
        return {WEIGHT: self._weight.half().contiguous(), BIAS: self._bias.half().contiguous()}
