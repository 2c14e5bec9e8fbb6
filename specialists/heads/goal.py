"""The goal head: one linear layer over a whole goal's hashed words, the base's own vectors, and the inputs' shape.

It gives one number for each name that it was fitted with: something that goals may want, or a job type that is known
from training. A head on the encoder's hidden states did worse on goals of writers held out (docs/log.md). Knows no
plan.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open

HASHED = 1 << 13  #: how many buckets n-grams of words are counted in
LONGEST_GRAM = 3  #: words of the longest n-gram
SHAPE = 4  #: how many numbers describe the inputs
PREFIX = "goal."  #: begins the names of its tensors in an adapter's file
WEIGHT, BIAS = f"{PREFIX}weight", f"{PREFIX}bias"
NAMES = "goal_names"  #: key of its names in the file's metadata
_WORD = re.compile(r"\w+|[?>]")


def features(goal: str, vector: torch.Tensor, words: torch.Tensor, shape: Sequence[float]) -> torch.Tensor:
    """(HASHED + 2 D + SHAPE,): the n-gram counts scaled to length 2, the vectors (of length 1) times 4, and the shape.

    `vector`: encodes the goal alone; `words`: encodes the goal and its inputs.
    """
    found = _WORD.findall(goal.casefold())
    counts = torch.zeros(HASHED)
    for size in range(1, LONGEST_GRAM + 1):
        for at in range(len(found) - size + 1):
            gram = " ".join(found[at : at + size])
            counts[zlib.crc32(gram.encode()) % HASHED] += 1
    return torch.cat([2 * counts / counts.norm().clamp(min=1), 4 * vector, 4 * words, torch.tensor(list(shape))])


class GoalHead:
    def __init__(self, names: Sequence[str], weight: torch.Tensor, bias: torch.Tensor) -> None:
        """`weight`: (names, HASHED + 2 D + SHAPE)."""
        self._names = list(names)
        self._weight, self._bias = weight.float(), bias.float()

    def numbers(self, goal: str, vector: torch.Tensor, words: torch.Tensor, shape: Sequence[float]) -> dict[str, float]:
        """Return the numbers by name, before any sigmoid."""
        found: list[float] = (self._weight @ features(goal, vector, words, shape) + self._bias).tolist()
        return dict(zip(self._names, found, strict=True))

    @classmethod
    def load(cls, path: Path) -> GoalHead:
        """Load the head from an adapter's file. It raises ValueError if the file has none."""
        with safe_open(path, framework="pt") as file:
            if WEIGHT not in set(file.keys()):
                raise ValueError(f"{path.name} has no layer over goals; train it, and save it beside the encoder")
            names = json.loads((file.metadata() or {})[NAMES])
            return cls(names, file.get_tensor(WEIGHT), file.get_tensor(BIAS))

    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors in half precision, by the names that they are saved under."""
        return {WEIGHT: self._weight.half().contiguous(), BIAS: self._bias.half().contiguous()}

    def metadata(self) -> dict[str, str]:
        return {NAMES: json.dumps(self._names)}
