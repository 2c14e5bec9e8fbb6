"""The trunk: what turns a batch of texts into hidden states, with each specialist's own change. Knows no layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class View:
    """How one specialist reads the trunk."""

    layers: int  #: the layers that its rows pass through
    both_ways: bool  #: whether a token sees those behind it


@dataclass(frozen=True)
class Text:
    """A text of a batch."""

    adapter: str  #: whose change its rows get
    ids: Sequence[int]
    text: str = ""  #: as it was read, for a trunk that reads no tokens


class Trunk(nn.Module, ABC):
    """Has no parameter but what adapters learn: the base itself is frozen."""

    @abstractmethod
    def forward(self, texts: Sequence[Text], views: Mapping[str, View]) -> list[torch.Tensor]:
        """The hidden states of each text, in its view: (T, D), where a trunk that sees no tokens gives one of them."""

    @abstractmethod
    def learnt(self, name: str) -> list[tuple[str, nn.Parameter]]:
        """The parameters of adapter `name`, by the names that its file has."""
