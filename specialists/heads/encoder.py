"""A small text encoder that reads one text and, beside it, many short ones: a prefix with branches.

Branches see the prefix and themselves, never each other: a goal is read once, however many job types, values or plans
are weighed against it, and a branch's score does not depend on what stands beside it. BERT's layers (MiniLM-L6,
post-norm), LoRA on every product, one linear head a task. Knows nothing of goals or plans.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional as F

from specialists.heads.wants import PREFIX, WantsHead

LONGEST = 512  #: positions that the base has
BATCH_TOKENS = 4096  #: of one forward pass, about
EMBEDDED_TOKENS = 96  #: of a text that is embedded
#: Tasks whose branches are long and seldom twice the same: what the base alone sees in them is not worth its time.
UNLIKE = frozenset({"plan"})
#: Texts whose vectors are kept: the labels and job types of catalogs, and the last goals' words.
KEPT_VECTORS = 100_000


class Reading(NamedTuple):
    """One prefix and its branches, as token ids. `tasks` names the head of each branch, and of the prefix itself."""

    prefix: list[int]
    branches: list[list[int]]
    tasks: list[str]
    #: the base's own vectors of the prefix and of each branch: (1 + branches, D), of length 1; None: of no use here
    vectors: torch.Tensor | None = None

    @property
    def length(self) -> int:
        return len(self.prefix) + sum(map(len, self.branches))


@dataclass(frozen=True)
class Shape:
    """Of the base and of what is learnt on it."""

    layers: int = 6
    width: int = 384
    heads: int = 12
    inner: int = 1536
    vocabulary: int = 30522
    rank: int = 48
    alpha: int = 96


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
        """Add the change to the weight, for good: serving pays nothing for it."""
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
    def __init__(self, tasks: Mapping[str, int], shape: Shape | None = None) -> None:
        """`tasks`: name -> how many numbers its head gives."""
        super().__init__()
        self.shape = shape or Shape()
        width = self.shape.width
        self.words = nn.Embedding(self.shape.vocabulary, width)
        self.places = nn.Embedding(LONGEST, width)
        self.sides = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(self.shape) for _ in range(self.shape.layers))
        self.dense = nn.Linear(4 * width, width)
        #: how much the base's own likeness counts, a number a task: what it knows needs not be learnt again
        self.likeness = nn.ParameterDict({f"of_{name}": nn.Parameter(torch.tensor(8.0)) for name in tasks})
        self.tasks = nn.ModuleDict({f"to_{name}": nn.Linear(width, outs) for name, outs in tasks.items()})

    def hidden(self, batch: Batch) -> torch.Tensor:  # -> (B, T, D)
        x: torch.Tensor = self.norm(self.words(batch.ids) + self.places(batch.places) + self.sides(batch.sides))
        for layer in self.layers:
            x = layer(x, batch.mask)
        return x

    def forward(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Task -> the numbers of its heads, in the batch's order: (N, outs)."""
        hidden = self.hidden(batch)
        means = _means(hidden, batch.parts)
        scored: dict[str, torch.Tensor] = {}
        for task, (rows, columns, numbers) in batch.heads.items():
            own, prefix = means[rows, numbers], means[rows, 0]
            alike = F.normalize(own, dim=-1) * F.normalize(prefix, dim=-1) * math.sqrt(self.shape.width)
            near = batch.near[task]
            read = torch.cat([hidden[rows, columns], own, alike, near * math.sqrt(self.shape.width)], -1)
            cosine = near.sum(-1, keepdim=True) * (numbers > 0).unsqueeze(-1)
            scored[task] = self.tasks[f"to_{task}"](torch.tanh(self.dense(read))) + self.likeness[f"of_{task}"] * cosine
        return scored

    def trained(self) -> dict[str, torch.Tensor]:
        """What is learnt: the LoRA factors, the norms and the heads, without the base."""
        named = self.named_parameters()
        return {name: p for name, p in named if p.requires_grad}

    def merge(self) -> None:
        for module in self.modules():
            if isinstance(module, Adapted):
                module.merge()


def _means(hidden: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """The mean of each part's tokens: (B, T, D), (B, T) -> (B, parts, D)."""
    numbers = torch.arange(int(parts.max()) + 1).view(1, -1, 1)
    held = (parts.unsqueeze(1) == numbers).to(hidden.dtype)  # (B, parts, T): as a product, which all cores share
    return held @ hidden / held.sum(-1, keepdim=True).clamp(min=1)


@dataclass
class Batch:
    ids: torch.Tensor  #: (B, T)
    places: torch.Tensor  #: (B, T): branches go on where their prefix ends
    sides: torch.Tensor  #: (B, T): 0 prefix, 1 branch
    mask: torch.Tensor  #: (B, 1, T, T): who sees whom
    parts: torch.Tensor  #: (B, T): 0 prefix, 1 and up the branches, -1 padding
    #: task -> rows, columns of the tokens that its head reads, and the numbers of their parts
    heads: dict[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]
    near: dict[str, torch.Tensor]  #: task -> the base's vectors of prefix and branch, multiplied: (N, D)


def lay(readings: Sequence[Reading]) -> Batch:
    """One padded batch. A branch's head reads its first token; the prefix's head, if it has a task, the very first."""
    length = max(reading.length for reading in readings)
    count = len(readings)
    ids, places = torch.zeros(count, length, dtype=torch.long), torch.zeros(count, length, dtype=torch.long)
    parts = torch.full((count, length), -1)
    heads: dict[str, tuple[list[int], list[int], list[int]]] = {}
    near: dict[str, list[torch.Tensor]] = {}
    for row, reading in enumerate(readings):
        at = 0
        for number, tokens in enumerate([reading.prefix, *reading.branches]):
            end, start = at + len(tokens), len(reading.prefix) if number else 0
            ids[row, at:end] = torch.tensor(tokens)
            places[row, at:end] = torch.arange(start, start + len(tokens)).clamp(max=LONGEST - 1)
            parts[row, at:end] = number
            if task := reading.tasks[number]:
                rows, columns, numbers = heads.setdefault(task, ([], [], []))
                rows.append(row)
                columns.append(at)
                numbers.append(number)
                near.setdefault(task, []).append(_near(reading, number))
            at = end
    query, key = parts.unsqueeze(2), parts.unsqueeze(1)
    mask = ((query == key) | (key == 0)).unsqueeze(1)
    located = {task: (torch.tensor(r), torch.tensor(c), torch.tensor(n)) for task, (r, c, n) in heads.items()}
    stacked = {task: torch.stack(each) for task, each in near.items()}
    return Batch(ids, places, (parts > 0).long(), mask, parts, located, stacked)


def _near(reading: Reading, number: int) -> torch.Tensor:
    """What the base sees in common between the prefix and the branch; of the prefix itself its own vector."""
    if reading.vectors is None:
        return torch.zeros(Shape().width)
    prefix = reading.vectors[0]
    return reading.vectors[number] * prefix if number else prefix


class Texts:
    """Texts to tokens."""

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

    def tokens(self, texts: Sequence[str], most: int) -> list[list[int]]:
        """Each text between the marks that the base was trained with; cut to `most` tokens."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [[self._start, *each.ids[: most - 2], self._end] for each in found]


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
    for embedding in (encoder.words, encoder.places, encoder.sides):
        embedding.weight.requires_grad_(False)


def _copy(module: Adapted | nn.LayerNorm, state: Mapping[str, torch.Tensor], name: str) -> None:
    module.weight.copy_(state[f"{name}.weight"])
    module.bias.copy_(state[f"{name}.bias"])


def save_adapter(
    encoder: Encoder, path: Path, metadata: Mapping[str, str] | None = None, head: WantsHead | None = None
) -> None:
    """In half precision: what is learnt, a few MB; `head` beside it."""
    learnt = {name: tensor.detach().half().contiguous() for name, tensor in encoder.trained().items()}
    learnt |= head.tensors() if head else {}
    save_file(learnt, path, dict(metadata or {}))


def metadata_of(path: Path) -> dict[str, str]:
    """What was saved beside the tensors."""
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def load_adapter(encoder: Encoder, path: Path) -> None:
    """Raises KeyError where the file is of another shape."""
    own = encoder.trained()
    saved = {name: tensor for name, tensor in load_file(path).items() if not name.startswith(PREFIX)}
    if saved.keys() != own.keys():
        raise KeyError(f"{path.name}: not the tensors of this encoder: {sorted(saved.keys() ^ own.keys())[:3]}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(saved[name].float())


class Scorer:
    """A loaded encoder, asked in batches."""

    def __init__(self, encoder: Encoder, texts: Texts, embedder: Embedder, head: WantsHead | None = None) -> None:
        self._head = head
        self._encoder = encoder.eval()
        self._texts = texts
        self._embedder = embedder

    @classmethod
    def load(cls, base: Path, adapter: Path, tasks: Mapping[str, int]) -> Scorer:
        """Raises KeyError where the adapter is of another shape."""
        encoder = Encoder(tasks)
        load_base(encoder, base)
        load_adapter(encoder, adapter)
        encoder.merge()
        return cls(encoder, Texts(base), Embedder.load(base), WantsHead.load(adapter))

    def wants(self, goal: str, shape: Sequence[float]) -> list[float]:
        """Of the adapter's linear layer, before any sigmoid."""
        if self._head is None:
            raise ValueError("this adapter has no layer for what goals want; train it, and save it beside the encoder")
        return self._head.logits(goal, self._embedder.embed([goal])[0], shape)

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        """Cosines by the base's own vectors: a row for each of `left`."""
        cosines: list[list[float]] = (self._embedder.embed(left) @ self._embedder.embed(right).T).tolist()
        return cosines

    def read(self, prefix: str, branches: Sequence[tuple[str, str]], own: str = "", most: int = 96) -> Scores:
        """`branches`: (task, text); `own`: the task of the prefix itself, or none. Raw numbers, before any sigmoid."""
        [start] = self._texts.tokens([prefix], most)
        tokens = self._texts.tokens([text for _, text in branches], most)
        pieces = _pieces(len(start), tokens)
        readings = []
        for first, last in pieces:
            tasks = [own if first == 0 else "", *(task for task, _ in branches[first:last])]
            vectors = self._embedder.beside([prefix, *(text for _, text in branches[first:last])], tasks)
            readings.append(Reading(start, tokens[first:last], tasks, vectors))
        scored = self._score(readings)
        mine = scored[0].pop(0) if own else []
        return Scores(mine, [numbers[0] for each in scored for numbers in each])

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str, most: int = 64) -> list[list[float]]:
        """For each (prefix, branches) the branches' numbers by the head of `task`."""
        readings = []
        for prefix, branches in asked:
            start, *tokens = self._texts.tokens([prefix, *branches], most)
            tasks = ["", *(task for _ in tokens)]
            readings.append(Reading(start, tokens, tasks, self._embedder.beside([prefix, *branches], tasks)))
        return [[numbers[0] for numbers in each] for each in self._score(readings)]

    @torch.inference_mode()
    def _score(self, readings: Sequence[Reading]) -> list[list[list[float]]]:
        """For each reading the numbers of its tasks, in order; like lengths share a pass."""
        found: list[list[list[float]]] = [[] for _ in readings]
        for group in _alike([reading.length for reading in readings]):
            out = self._encoder(lay([readings[number] for number in group]))
            left = {task: iter(numbers.tolist()) for task, numbers in out.items()}
            for number in group:
                found[number] = [next(left[task]) for task in readings[number].tasks if task]
        return found


class Embedder:
    """The base as it came: texts to unit vectors, kept."""

    def __init__(self, encoder: Encoder, texts: Texts) -> None:
        self._encoder = encoder.eval()
        self._texts = texts
        self._kept: dict[str, torch.Tensor] = {}

    @classmethod
    def load(cls, base: Path) -> Embedder:
        encoder = Encoder({})
        load_base(encoder, base)
        encoder.merge()
        return cls(encoder, Texts(base))

    def embed(self, texts: Sequence[str]) -> torch.Tensor:
        """(N, D), of length 1 each; mean-pooled, as the base was trained."""
        if len(self._kept) > KEPT_VECTORS:
            self._kept.clear()
        if fresh := [text for text in dict.fromkeys(texts) if text not in self._kept]:
            self._kept |= zip(fresh, self._embed(fresh), strict=True)
        return torch.stack([self._kept[text] for text in texts])

    def beside(self, texts: Sequence[str], tasks: Sequence[str]) -> torch.Tensor:
        """Vectors of a prefix and its branches: (1 + branches, D); zeros for branches of tasks that make no use."""
        kept = [number for number, task in enumerate(tasks) if number == 0 or task not in UNLIKE]
        found = torch.zeros(len(texts), self._encoder.shape.width)
        found[kept] = self.embed([texts[number] for number in kept])
        return found

    @torch.inference_mode()
    def _embed(self, texts: Sequence[str]) -> torch.Tensor:
        tokens = self._texts.tokens(texts, EMBEDDED_TOKENS)
        found = torch.zeros(len(tokens), self._encoder.shape.width)
        for group in _alike([len(each) for each in tokens]):
            batch = lay([Reading(tokens[number], [], [""]) for number in group])
            found[group] = F.normalize(_means(self._encoder.hidden(batch), batch.parts)[:, 0], dim=-1)
        return found


def _alike(lengths: Sequence[int]) -> list[list[int]]:
    """The numbers of texts of like length, in groups of one pass each."""
    groups: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if groups and (len(groups[-1]) + 1) * lengths[number] <= BATCH_TOKENS:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


class Scores(NamedTuple):
    own: list[float]  #: of the prefix's own task
    branches: list[float]


def _pieces(start: int, tokens: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Ranges of branches that fit one forward pass each; at least one, for the prefix alone."""
    pieces, first, total = [], 0, start
    for number, each in enumerate(tokens):
        if number > first and total + len(each) > BATCH_TOKENS // 4:
            pieces.append((first, number))
            first, total = number, start
        total += len(each)
    return [*pieces, (first, len(tokens))]
