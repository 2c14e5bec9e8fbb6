"""The linear trunk: a text's grams, weighed for each answer that a head may read. It has no layer and no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from specialists.heads.linear.grams import Numbers, letter_grams, word_grams
from specialists.heads.trunks.shared import kept
from specialists.heads.trunks.trunk import Text, Trunk, View


@dataclass(frozen=True)
class Weighed:
    """The grams of a text that a table knows."""

    rows: NDArray[np.int64]  #: of the table
    weights: NDArray[np.float32]  #: words have length 1 together, and letters have


class Table(nn.Module):
    """The grams that one specialist knows, by rising number, and what each says for each answer."""

    def __init__(self, grams: int, answers: int) -> None:
        super().__init__()
        self.numbers = kept(torch.zeros(grams, dtype=torch.int32))  #: the bits of 32 without a sign
        self.rarity = kept(torch.ones(grams))  #: inverse document frequency
        self.weight = kept(torch.zeros(grams, answers))

    def weighed(self, text: str) -> Weighed:
        numbers = self.numbers.numpy().view(np.uint32)
        rarity = self.rarity.numpy()
        parts = [_weighed(each, numbers, rarity) for each in (word_grams(text), letter_grams(text))]
        rows, weights = (np.concatenate(each) for each in zip(*((p.rows, p.weights) for p in parts), strict=True))
        order = np.argsort(rows)
        return Weighed(rows[order], weights[order])

    def forward(self, texts: Sequence[str]) -> torch.Tensor:  # (B, answers)
        found = [self.weighed(text) for text in texts]
        starts = np.cumsum([0, *(len(each.rows) for each in found[:-1])])
        rows, weights = (np.concatenate(each) for each in zip(*((f.rows, f.weights) for f in found), strict=True))
        return F.embedding_bag(
            torch.from_numpy(rows),
            self.weight,
            torch.from_numpy(starts),
            mode="sum",
            per_sample_weights=torch.from_numpy(weights),
        )


class LinearTrunk(Trunk):
    """Its hidden states are one vector for each text, as wide as the answers of the text's specialist."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleDict()

    def teach(self, name: str, grams: int, answers: int) -> Table:
        """Give specialist `name` an empty table."""
        table = self.tables[name] = Table(grams, answers)
        return table

    def learnt(self, name: str) -> list[tuple[str, nn.Parameter]]:
        return [(f"grams.{where}", parameter) for where, parameter in self.tables[name].named_parameters()]

    def forward(self, texts: Sequence[Text], views: Mapping[str, View]) -> list[torch.Tensor]:
        """(1, answers) of each text."""
        found: dict[int, torch.Tensor] = {}
        for name in dict.fromkeys(each.adapter for each in texts):
            own = [n for n, each in enumerate(texts) if each.adapter == name]
            scores = self.tables[name]([texts[n].text for n in own])
            found |= {n: scores[row : row + 1] for row, n in enumerate(own)}
        return [found[n] for n in range(len(texts))]


def _weighed(grams: Numbers, numbers: Numbers, rarity: NDArray[np.float32]) -> Weighed:
    """`numbers` rise. A gram that stands three times weighs less than three times as much."""
    own, counts = np.unique(grams, return_counts=True)
    at = np.searchsorted(numbers, own)
    known = (at < len(numbers)) & (numbers[np.minimum(at, len(numbers) - 1)] == own) if len(numbers) else at < 0
    rows = at[known].astype(np.int64)
    weights = ((1 + np.log(counts[known])) * rarity[rows]).astype(np.float32)
    return Weighed(rows, weights / max(float(np.linalg.norm(weights)), 1e-9))
