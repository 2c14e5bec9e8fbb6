"""Adapters: LoRA weights that are merged into a base, or added to each request's own tokens. Knows no requests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from workers.engines import EngineError

_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<half>[AB])\.weight")


@dataclass(frozen=True)
class AdapterSource:
    path: Path
    rank: int
    alpha: int


@dataclass(frozen=True)
class Factors:
    """The change of one linear layer's weight: `up @ down`; `up` already includes the scale."""

    down: torch.Tensor  #: (rank, in)
    up: torch.Tensor  #: (out, rank)


class AdapterError(EngineError):
    """An adapter's file does not fit the base model or its manifest."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"adapter {path.parent.name}/{path.name}: {reason}", retryable=False)


def load_adapter(source: AdapterSource, model: Any) -> dict[str, Factors]:
    """Layer name -> factors, on the model's device and in its precision. Raises AdapterError if one does not fit."""
    halves: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in _read(source.path).items():
        found = _KEY.fullmatch(key)
        if not found:
            raise AdapterError(source.path, f"unknown tensor {key!r}; expected LoRA factors as peft saves them")
        halves.setdefault(found["module"], {})[found["half"]] = tensor
    linears = dict(_linears(model))
    factors = {name: _factors(source, name, pair, linears) for name, pair in halves.items()}
    if not any(each.up.any() for each in factors.values()):  # so training begins: its model would be the base alone
        raise AdapterError(source.path, "changes nothing of the base, as one that was never trained; train it")
    return factors


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        read: dict[str, torch.Tensor] = load_file(path)
    except SafetensorError as error:
        raise AdapterError(path, f"is no file of safetensors: {error}") from None
    return read


def _factors(
    source: AdapterSource, name: str, halves: Mapping[str, torch.Tensor], linears: Mapping[str, torch.nn.Linear]
) -> Factors:
    if name not in linears:
        raise AdapterError(source.path, f"the base model has no linear layer {name!r}; was it trained on this base?")
    if set(halves) != {"A", "B"}:
        raise AdapterError(source.path, f"layer {name!r} has only half of its factors")
    weight, down, up = linears[name].weight, halves["A"], halves["B"]
    expected = ((source.rank, weight.shape[1]), (weight.shape[0], source.rank))
    if (tuple(down.shape), tuple(up.shape)) != expected:
        shapes = f"{tuple(down.shape)} and {tuple(up.shape)}, expected {expected[0]} and {expected[1]}"
        raise AdapterError(source.path, f"layer {name!r} has factors of shape {shapes}")
    # The scale is applied in fp32, because the file's fp16 would round the product once more.
    scaled = up.float() * (source.alpha / source.rank)
    return Factors(down.to(weight), scaled.to(weight))


def merge(model: Any, factors: Mapping[str, Factors]) -> None:
    """Add one adapter to the base's weights for good. A step then costs no more, but serves one specialist only."""
    linears = dict(_linears(model))
    with torch.no_grad():
        for name, change in factors.items():
            weight = linears[name].weight
            weight += (change.up.float() @ change.down.float()).to(weight.dtype)


class Spans:
    """Which tokens of the current step belong to which specialist. The decoder writes it, and every layer reads it."""

    def __init__(self) -> None:
        self.now: list[tuple[str, int, int]] = []  #: (specialist, first token, index behind the last token)

    def lay(self, counts: Sequence[tuple[str, int]]) -> None:
        """`counts`: the specialist and the number of tokens of each piece, in order; neighbours are joined."""
        self.now, end = [], 0
        for specialist, pieces in groupby(counts, key=itemgetter(0)):
            start, end = end, end + sum(count for _, count in pieces)
            self.now.append((specialist, start, end))


class SharedLinear(torch.nn.Module):
    """A linear layer with one product for all tokens. Each specialist's change is added to its own span of tokens."""

    def __init__(self, base: torch.nn.Linear, changes: Mapping[str, Factors], spans: Spans) -> None:
        super().__init__()
        self._base = base
        self._changes = changes
        self._spans = spans

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (1, N, in) -> (1, N, out)
        y: torch.Tensor = self._base(x)
        for specialist, start, end in self._spans.now:
            if change := self._changes.get(specialist):
                y[:, start:end] += (x[:, start:end] @ change.down.T) @ change.up.T
        return y


def keep_apart(model: Any, adapters: Mapping[str, Mapping[str, Factors]], spans: Spans) -> None:
    """Replace each linear layer that an adapter changes. The new layer adds each specialist's change to its span."""
    for name, linear in _linears(model):
        changes = {specialist: factors[name] for specialist, factors in adapters.items() if name in factors}
        if changes:
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, SharedLinear(linear, changes, spans))


def _linears(model: Any) -> list[tuple[str, torch.nn.Linear]]:
    """All but the output head, which shares its weight with the embedding and sees only some tokens."""
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    return [(name, module) for name, module in found if module is not model.get_output_embeddings()]
