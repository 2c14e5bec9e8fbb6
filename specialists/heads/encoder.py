"""A small text encoder: it turns each text into one vector for the whole text and one for each of its tokens.

It has BERT's layers (MiniLM-L6, post-norm) with LoRA on every product. It knows no goal and no plan, and no comparison.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional as F

LONGEST = 512  #: positions that the base has
READ_TOKENS = 80  #: the most tokens of a text that are read
PASS_TOKENS = 1024  #: the most tokens of one forward pass, with their padding
UNEVEN = 1.3  #: the longest text of a pass may be this many times as long as the shortest, since the rest is padding


class Told(NamedTuple):
    """A text as the encoder sees it; all vectors have length 1."""

    mean: torch.Tensor  #: (D,)
    tokens: torch.Tensor  #: (T, D), without the start and end marks


@dataclass(frozen=True)
class Shape:
    """The sizes of the base and of its LoRA change."""

    layers: int = 6
    width: int = 384
    heads: int = 12
    inner: int = 1536
    vocabulary: int = 30522
    rank: int = 32
    alpha: int = 64


class Adapted(nn.Module):
    """A frozen linear layer with a LoRA change."""

    def __init__(self, ins: int, outs: int, rank: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outs, ins), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outs), requires_grad=False)
        self.down = nn.Parameter(torch.randn(rank, ins) / math.sqrt(ins))
        self.up = nn.Parameter(torch.zeros(outs, rank))
        self.scale = scale
        self.merged = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # (..., ins) -> (..., outs)
        y = F.linear(x, self.weight, self.bias)
        return y if self.merged else y + F.linear(F.linear(x, self.down), self.up) * self.scale

    def merge(self) -> None:
        """Add the change to the weight for good, so that serving pays nothing for it."""
        if not self.merged:
            with torch.no_grad():
                self.weight.add_(self.up @ self.down * self.scale)
            self.merged = True


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        scale = shape.alpha / shape.rank
        self.heads = shape.heads
        self.qkv = Adapted(shape.width, 3 * shape.width, shape.rank, scale)
        self.out = Adapted(shape.width, shape.width, shape.rank, scale)
        self.attended = nn.LayerNorm(shape.width, eps=1e-12)
        self.wide = Adapted(shape.width, shape.inner, shape.rank, scale)
        self.narrow = Adapted(shape.inner, shape.width, shape.rank, scale)
        self.done = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:  # (B, T, D), (B, 1, T, T) -> (B, T, D)
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(batch, length, width)
        x = self.attended(x + self.out(mixed))
        done: torch.Tensor = self.done(x + self.narrow(F.gelu(self.wide(x))))
        return done


class Encoder(nn.Module):
    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape or Shape()
        width = self.shape.width
        self.words = nn.Embedding(self.shape.vocabulary, width)
        self.places = nn.Embedding(LONGEST, width)
        self.sides = nn.Embedding(2, width)
        for embedding in (self.words, self.places, self.sides):
            embedding.weight.requires_grad_(False)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(self.shape) for _ in range(self.shape.layers))

    def tell(self, texts: Sequence[Sequence[int]]) -> list[Told]:
        """Encode each text, given as token ids between the marks. Texts of similar lengths share a pass."""
        found: dict[int, Told] = {}
        for group in alike([len(each) for each in texts]):
            found |= zip(group, self._tell([texts[number] for number in group]), strict=True)
        return [found[number] for number in range(len(texts))]

    def _tell(self, texts: Sequence[Sequence[int]]) -> list[Told]:
        length = max(map(len, texts))
        ids, held = torch.zeros(len(texts), length, dtype=torch.long), torch.zeros(len(texts), length)
        for row, each in enumerate(texts):
            ids[row, : len(each)] = torch.tensor(each)
            held[row, : len(each)] = 1
        x = self.norm(self.words(ids) + self.places.weight[:length] + self.sides.weight[0])
        mask = (held > 0)[:, None, None, :].expand(-1, 1, length, -1)
        for layer in self.layers:
            x = layer(x, mask)
        means = F.normalize((x * held.unsqueeze(-1)).sum(1) / held.sum(1, keepdim=True), dim=-1)
        tokens = F.normalize(x, dim=-1)
        return [Told(means[row], tokens[row, 1 : len(each) - 1]) for row, each in enumerate(texts)]

    def learnt(self) -> dict[str, torch.Tensor]:
        """The LoRA factors and the norms, without the base."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def merge(self) -> None:
        for module in self.modules():
            if isinstance(module, Adapted):
                module.merge()


def alike(lengths: Sequence[int]) -> list[list[int]]:
    """Group the indices of texts of similar length; each group is one pass."""
    groups: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        group, length = groups[-1] if groups else [], lengths[number]
        if group and (len(group) + 1) * length <= PASS_TOKENS and length <= UNEVEN * lengths[group[0]] + 2:
            group.append(number)
        else:
            groups.append([number])
    return groups


class Texts:
    """Turns texts into tokens."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._start, self._end = self._mark("[CLS]"), self._mark("[SEP]")

    def _mark(self, name: str) -> int:
        number = self._tokenizer.token_to_id(name)
        if number is None:
            raise ValueError(f"the base's tokenizer has no {name}")
        return number

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's tokens between the marks of the base's training, at most `READ_TOKENS` and never empty."""
        found = self._tokenizer.encode_batch(
            [text if text.strip() else "." for text in texts], add_special_tokens=False
        )
        return [[self._start, *each.ids[: READ_TOKENS - 2], self._end] for each in found]


def load_base(encoder: Encoder, folder: Path) -> None:
    """Fill the frozen part from a folder of MiniLM's weights as `transformers` saves them."""
    saved = load_file(folder / "model.safetensors")
    state = {name.removeprefix("bert."): tensor for name, tensor in saved.items()}
    with torch.no_grad():
        encoder.words.weight.copy_(state["embeddings.word_embeddings.weight"])
        encoder.places.weight.copy_(state["embeddings.position_embeddings.weight"])
        encoder.sides.weight.copy_(state["embeddings.token_type_embeddings.weight"])
        _copy(encoder.norm, state, "embeddings.LayerNorm")
        for number, layer in enumerate(encoder.layers):
            assert isinstance(layer, Layer)
            at = f"encoder.layer.{number}"
            halves = [state[f"{at}.attention.self.{name}.weight"] for name in ("query", "key", "value")]
            layer.qkv.weight.copy_(torch.cat(halves))
            layer.qkv.bias.copy_(torch.cat([state[f"{at}.attention.self.{n}.bias"] for n in ("query", "key", "value")]))
            _copy(layer.out, state, f"{at}.attention.output.dense")
            _copy(layer.attended, state, f"{at}.attention.output.LayerNorm")
            _copy(layer.wide, state, f"{at}.intermediate.dense")
            _copy(layer.narrow, state, f"{at}.output.dense")
            _copy(layer.done, state, f"{at}.output.LayerNorm")


def _copy(module: Adapted | nn.LayerNorm, state: Mapping[str, torch.Tensor], name: str) -> None:
    module.weight.copy_(state[f"{name}.weight"])
    module.bias.copy_(state[f"{name}.bias"])


def metadata_of(path: Path) -> dict[str, str]:
    """The metadata that was saved beside an adapter's tensors."""
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})
