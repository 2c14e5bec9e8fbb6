"""What all readers share: a text with its hidden states goes in, values of fields come out. Knows no base."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from specialists.heads.tokens import Reading, Span
from specialists.schemas import Json

#: Fields -> their values.
Values = dict[str, Any]

#: Values of a label with their probabilities: the value that was read, then others, the likeliest first.
Ranked = tuple[tuple[Any, float], ...]


@dataclass(frozen=True)
class Read:
    """What was read of one text."""

    values: Values
    probability: float  #: of these values, by the reader's own account
    ranked: Mapping[str, Ranked] = field(default_factory=dict)  #: of each field that is one label


@dataclass(frozen=True)
class Seen:
    """A batch of texts behind the trunk."""

    readings: Sequence[Reading]
    sources: Sequence[Span]  #: the characters of each prompt that spans may be parts of
    states: Sequence[torch.Tensor]  #: the hidden states (T, D) of each text

    @property
    def means(self) -> torch.Tensor:  # (B, D)
        return torch.stack([each.mean(0) for each in self.states])


class Reader(nn.Module, ABC):
    """Reads one field, or all fields that are spans."""

    @abstractmethod
    def aim(self, output: Json, reading: Reading, source: Span) -> torch.Tensor | None:
        """What is to be read of a text whose right output is `output`; None if that cannot be read off it."""

    @abstractmethod
    def loss(self, seen: Seen, aims: Sequence[torch.Tensor]) -> torch.Tensor:
        """The sum over the batch of each text's loss, a mean where a text has several."""

    @abstractmethod
    def read(self, seen: Seen) -> list[Read]:
        """One for each text."""
