"""Labels, read off a text's mean state: one of many, any of many, or a number. Knows no base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erf, log, prod, sqrt
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from infra.records import MOST_TOLD
from specialists.head_rule import FieldRule
from specialists.heads.novelty import Novelty
from specialists.heads.readers.reader import Read, Reader, Seen
from specialists.heads.tokens import Reading, Span
from specialists.schemas import Json

LEAST_SPREAD = 1e-3  #: of a score, in parts of its range
NEAR = 0.1  #: of a score's range: an answer that is no further off is taken to be right


@dataclass(frozen=True)
class Abstaining:
    """When a text gets no label."""

    below: float  #: it is less likely than this of one of the labels
    value: Any  #: the value that says so


class LabelReader(Reader):
    """One value of an enum. A text that seems to have none of them gets the value that says so, if there is one."""

    def __init__(self, rule: FieldRule, width: int, abstaining: Abstaining | None = None) -> None:
        super().__init__()
        self.rule = rule
        self.out = _zero_linear(width, len(rule.values))
        self.abstaining = abstaining
        self.novelty = Novelty(len(rule.values), width) if abstaining else None
        self.balance: torch.Tensor | None = None  #: how much a text of each label counts in training; None: all alike

    def aim(self, output: Json, reading: Reading, source: Span) -> torch.Tensor | None:
        value = output.get(self.rule.field)
        return torch.tensor(self.rule.values.index(value)) if value in self.rule.values else None

    def loss(self, seen: Seen, aims: Sequence[torch.Tensor]) -> torch.Tensor:
        return F.cross_entropy(self.out(seen.means), torch.stack(list(aims)), self.balance, reduction="sum")

    def read(self, seen: Seen) -> list[Read]:
        means = seen.means
        scores = self.out(means)
        found = scores.float().softmax(-1).sort(descending=True)
        reads = [
            self._read(row, order) for row, order in zip(found.values.tolist(), found.indices.tolist(), strict=True)
        ]
        if self.abstaining is None or self.novelty is None or not self.novelty.placed:
            return reads
        known = self.novelty.known(means, scores).tolist()
        return [self._or_none(read, sure, self.abstaining) for read, sure in zip(reads, known, strict=True)]

    def _or_none(self, read: Read, known: float, abstaining: Abstaining) -> Read:
        """`known`: how likely the text is of one of the labels."""
        field = self.rule.field
        if known >= abstaining.below or read.values[field] == abstaining.value:
            return read
        others = ((value, known * p) for value, p in read.ranked[field] if value != abstaining.value)
        return Read({field: abstaining.value}, 1 - known, {field: ((abstaining.value, 1 - known), *others)})

    def _read(self, probabilities: Sequence[float], order: Sequence[int]) -> Read:
        values = [self.rule.values[n] for n in order[:MOST_TOLD]]
        ranked = tuple(zip(values, probabilities, strict=False))
        return Read({self.rule.field: values[0]}, probabilities[0], {self.rule.field: ranked})


class LabelsReader(Reader):
    """Any number of values of an enum, in the order of the enum."""

    def __init__(self, rule: FieldRule, width: int) -> None:
        super().__init__()
        self.rule = rule
        self.out = _zero_linear(width, len(rule.values))

    def aim(self, output: Json, reading: Reading, source: Span) -> torch.Tensor | None:
        values = output.get(self.rule.field) or []
        if not all(each in self.rule.values for each in values):
            return None
        return torch.tensor([float(each in values) for each in self.rule.values])

    def loss(self, seen: Seen, aims: Sequence[torch.Tensor]) -> torch.Tensor:
        each = F.binary_cross_entropy_with_logits(self.out(seen.means), torch.stack(list(aims)), reduction="none")
        return each.sum()

    def read(self, seen: Seen) -> list[Read]:
        return [self._read(row) for row in self.out(seen.means).float().sigmoid().tolist()]

    def _read(self, probabilities: Sequence[float]) -> Read:
        likely = sorted(range(len(probabilities)), key=lambda n: -probabilities[n])[: self.rule.most]
        kept = {n for n in likely if probabilities[n] >= 0.5}
        sure = prod(p if n in kept else 1 - p for n, p in enumerate(probabilities))
        values: list[Any] = [value for n, value in enumerate(self.rule.values) if n in kept]
        return Read({self.rule.field: values}, sure)


class ScoreReader(Reader):
    """A number between two bounds. The mean and the spread of what it may be are read."""

    def __init__(self, rule: FieldRule, width: int) -> None:
        super().__init__()
        self.rule = rule
        self.out = _zero_linear(width, 2)

    def aim(self, output: Json, reading: Reading, source: Span) -> torch.Tensor | None:
        value = output.get(self.rule.field)
        low, high = self.rule.bounds
        return None if value is None else torch.tensor((float(value) - low) / max(high - low, 1e-9))

    def loss(self, seen: Seen, aims: Sequence[torch.Tensor]) -> torch.Tensor:
        mean, spread = self._found(seen)
        each = F.gaussian_nll_loss(mean, torch.stack(list(aims)), spread**2, reduction="none")
        return (each - log(LEAST_SPREAD)).sum()  # 0 is the least that there is

    def read(self, seen: Seen) -> list[Read]:
        means, spreads = self._found(seen)
        return [self._read(mean, spread) for mean, spread in zip(means.tolist(), spreads.tolist(), strict=True)]

    def _found(self, seen: Seen) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) and (B,), in parts of the range."""
        found = self.out(seen.means).float()
        return found[:, 0].sigmoid(), F.softplus(found[:, 1]) + LEAST_SPREAD

    def _read(self, mean: float, spread: float) -> Read:
        """The probability is that of being right to within NEAR of the range."""
        low, high = self.rule.bounds
        value = low + mean * (high - low)
        near = erf(NEAR / (spread * sqrt(2)))
        return Read({self.rule.field: round(value) if self.rule.whole else value}, near)


def _zero_linear(width: int, outs: int) -> nn.Linear:
    """All answers are equally likely before the first step."""
    found = nn.Linear(width, outs)
    nn.init.zeros_(found.weight)
    nn.init.zeros_(found.bias)
    return found
