"""What is known of a whole goal, by one linear layer: hashed words, the base's own vectors, and its inputs' shape.

One number for each name that it was fitted with: something that goals may want, or a job type that is known from
training. A head on the encoder's hidden states did worse on goals of writers held out (docs/log.md). Knows no plan.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open

HASHED = 1 << 13  #: numbers that n-grams of words are counted in
LONGEST_GRAM = 3  #: words
SHAPE = 4  #: numbers that say what the inputs are like
PREFIX = "goal."  #: of its tensors' names in an adapter's file
WEIGHT, BIAS = f"{PREFIX}weight", f"{PREFIX}bias"
NAMES = "goal_names"  #: in the file's metadata
_WORD = re.compile(r"\w+|[?>]")


def features(goal: str, vector: torch.Tensor, words: torch.Tensor, shape: Sequence[float]) -> torch.Tensor:
    """(HASHED + 2 D + SHAPE,): n-grams of length 2 in all, the vectors (of length 1) times 4, the shape.

    `vector`: of the goal alone; `words`: of the goal and its inputs.
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
        """By name, before any sigmoid."""
        found: list[float] = (self._weight @ features(goal, vector, words, shape) + self._bias).tolist()
        return dict(zip(self._names, found, strict=True))

    @classmethod
    def load(cls, path: Path) -> GoalHead:
        """Of an adapter's file. Raises ValueError where it holds none."""
        with safe_open(path, framework="pt") as file:
            if WEIGHT not in set(file.keys()):
                raise ValueError(f"{path.name} has no layer over goals; train it, and save it beside the encoder")
            names = json.loads((file.metadata() or {})[NAMES])
            return cls(names, file.get_tensor(WEIGHT), file.get_tensor(BIAS))

    def tensors(self) -> dict[str, torch.Tensor]:
        """In half precision, by the names that they are saved under."""
        return {WEIGHT: self._weight.half().contiguous(), BIAS: self._bias.half().contiguous()}

    def metadata(self) -> dict[str, str]:
        return {NAMES: json.dumps(self._names)}
