"""Novelty: how unlike all that a label head was taught a text is. Knows no base and no label's name.

A text's mean state is compared with the mean of each label's training texts, in units of how much states of one label
differ among themselves (Mahalanobis distance; Lee et al., 2018, and for intents Podolskiy et al., 2021). Together with
the likeliest label's probability and the energy of all labels it says how likely the text is of a label at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from specialists.heads.trunks.shared import kept

SIGNS = 3  #: distance, energy, and the likeliest label's log-odds


class Novelty(nn.Module):
    def __init__(self, labels: int, width: int) -> None:
        super().__init__()
        self.turn = kept(torch.zeros(width, width))  #: makes states of one label differ by one in each direction
        self.centres = kept(torch.zeros(labels, width))  #: the turned mean of each label
        self.taught = kept(torch.zeros(labels))  #: 1: the label had texts; another is never the nearest
        self.weights = kept(torch.zeros(SIGNS + 1))  #: of the signs, and what is added
        self.shift = kept(torch.zeros(SIGNS))  #: the signs' means over known texts, and their spreads
        self.spread = kept(torch.ones(SIGNS))

    @property
    def placed(self) -> bool:
        """Whether it has learnt what texts look like; before that it can say nothing."""
        return bool(self.taught.any())

    def signs(self, means: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """(B, SIGNS) of mean states (B, D) and the labels' scores (B, C)."""
        gaps = torch.cdist(means.float() @ self.turn, self.centres)  # (B, C)
        nearest = gaps.masked_fill(self.taught == 0, float("inf")).amin(1)
        sure = scores.float().softmax(-1).amax(1).clamp(1e-6, 1 - 1e-6)
        return torch.stack((nearest, scores.float().logsumexp(-1), sure.logit()), 1)

    def known(self, means: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """(B,): how likely each text is of one of the labels."""
        found: torch.Tensor = self.weighed(self.signs(means, scores)).sigmoid()
        return found

    def weighed(self, signs: torch.Tensor) -> torch.Tensor:
        return self.scaled(signs) @ self.weights[:-1] + self.weights[-1]

    def scaled(self, signs: torch.Tensor) -> torch.Tensor:
        """In units of their spread over texts that have a label."""
        return (signs - self.shift) / self.spread

    def place(self, means: torch.Tensor, labels: Sequence[int]) -> None:
        """Learn what texts of each label look like: `means` (N, D) of training texts, and the label of each."""
        of = torch.tensor(labels)
        centres = torch.zeros_like(self.centres).index_add_(0, of, means.float())
        counts = torch.bincount(of, minlength=len(centres)).float()
        centres /= counts.clamp(min=1)[:, None]
        within = means.float() - centres[of]
        shared = within.T @ within / max(1, len(within) - len(centres))
        ridge = 1e-3 * shared.diagonal().mean()
        values, vectors = torch.linalg.eigh(shared + ridge * torch.eye(len(shared)))
        self._put(self.turn, vectors * values.rsqrt())
        self._put(self.centres, centres @ self.turn)
        self._put(self.taught, (counts > 0).float())

    def scale(self, known: torch.Tensor) -> None:
        """Learn how the signs (N, SIGNS) of texts with a label spread."""
        self._put(self.shift, known.mean(0))
        self._put(self.spread, known.std(0).clamp(min=1e-6))

    def weigh(self, weights: torch.Tensor) -> None:
        """Take the weights of the scaled signs, and behind them what is added."""
        self._put(self.weights, weights)

    def _put(self, parameter: torch.Tensor, value: torch.Tensor) -> None:
        with torch.no_grad():
            parameter.copy_(value)
