"""A matcher: scores how well short texts fit another text, from vectors that the encoder made of each text alone.

Each text is read once and kept, whatever it is compared with, so a catalog's job types, labels and fields cost nothing
for the second goal. Three similarities count: of the whole texts, of each token of the branch with the nearest token of
the prefix, and of the tokens of the prefix that the branch is nearest to. Each task weighs them differently. Reading
both texts together, as a cross-encoder does, learnt far less from as many examples (docs/log.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from specialists.heads.encoder import Encoder, Texts, Told, load_base
from specialists.heads.goal import PREFIX as GOALS
from specialists.heads.goal import GoalHead

NEAREST = 6  #: how many tokens of the prefix count, those that the branch is nearest to
BEGUN_WITH = (6.0, 4.0, 4.0, -4.5)  #: a task's weights of the three similarities, and its constant, before training
#: How many texts are kept: the labels, fields and job types of catalogs, and the last goals' words.
KEPT_TEXTS = 50_000


class Matcher(nn.Module):
    def __init__(self, tasks: Sequence[str], encoder: Encoder | None = None) -> None:
        super().__init__()
        self.encoder = encoder or Encoder()
        self.weights = nn.ParameterDict({f"of_{task}": nn.Parameter(torch.tensor(BEGUN_WITH)) for task in tasks})

    def likeness(self, prefix: Told, branches: Sequence[Told]) -> torch.Tensor:
        """The three similarities of each branch to the prefix: (N, 3), each from -1 to 1."""
        count, longest = len(branches), max(len(branch.tokens) for branch in branches)
        tokens = torch.zeros(count, longest, prefix.tokens.shape[1])
        held = torch.zeros(count, longest, dtype=torch.bool)
        for row, branch in enumerate(branches):
            tokens[row, : len(branch.tokens)] = branch.tokens
            held[row, : len(branch.tokens)] = True
        whole = torch.stack([branch.mean for branch in branches]) @ prefix.mean
        near = tokens @ prefix.tokens.T  # (N, T, prefix's tokens)
        said = (near.max(2).values * held).sum(1) / held.sum(1).clamp(min=1)
        met = near.masked_fill(~held.unsqueeze(-1), -1.0).max(1).values  # (N, prefix's tokens)
        met = met.topk(min(NEAREST, met.shape[1]), 1).values.mean(1)
        return torch.stack([whole, said, met], 1)

    def numbers(self, task: str, likeness: torch.Tensor) -> torch.Tensor:
        """(N, 3) -> (N,), before any sigmoid."""
        weights = self.weights[f"of_{task}"]
        found: torch.Tensor = likeness @ weights[:3] + weights[3]
        return found

    def learnt(self) -> dict[str, torch.Tensor]:
        """The tensors that are saved: the encoder's change, and the tasks' weights."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}


def save_adapter(
    matcher: Matcher, path: Path, metadata: Mapping[str, str] | None = None, head: GoalHead | None = None
) -> None:
    """Save what is learnt in half precision, a few MB, and the `head` beside it."""
    learnt = {name: tensor.detach().half().contiguous() for name, tensor in matcher.learnt().items()}
    learnt |= head.tensors() if head else {}
    save_file(learnt, path, {**(metadata or {}), **(head.metadata() if head else {})})


def load_adapter(matcher: Matcher, path: Path) -> None:
    """Load an adapter into `matcher`. It raises KeyError if the file is of another shape."""
    own = matcher.learnt()
    saved = {name: tensor for name, tensor in load_file(path).items() if not name.startswith(GOALS)}
    if saved.keys() != own.keys():
        raise KeyError(f"{path.name}: not the tensors of this matcher: {sorted(saved.keys() ^ own.keys())[:3]}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(saved[name].float())


class Kept:
    """An encoder that keeps the vectors of each text."""

    def __init__(self, encoder: Encoder, texts: Texts) -> None:
        self._encoder = encoder.eval()
        self._texts = texts
        self._kept: dict[str, Told] = {}

    @torch.inference_mode()
    def tell(self, texts: Sequence[str]) -> list[Told]:
        if len(self._kept) > KEPT_TEXTS:
            self._kept.clear()
        if fresh := [text for text in dict.fromkeys(texts) if text not in self._kept]:
            told = self._encoder.tell(self._texts.tokens(fresh))
            # copies, since a slice would keep the whole pass in memory
            self._kept |= {
                text: Told(each.mean.clone(), each.tokens.clone()) for text, each in zip(fresh, told, strict=True)
            }
        return [self._kept[text] for text in texts]

    def means(self, texts: Sequence[str]) -> torch.Tensor:
        """The vectors of whole texts: (N, D)."""
        return torch.stack([each.mean for each in self.tell(texts)])


def base_of(folder: Path, texts: Texts | None = None) -> Kept:
    """Load the base's encoder without any adapter."""
    encoder = Encoder()
    load_base(encoder, folder)
    encoder.merge()
    return Kept(encoder, texts or Texts(folder))


class Scorer:
    """The models behind the planner's reader: a matcher, the plain base, and the linear layer over whole goals."""

    def __init__(self, matcher: Matcher, told: Kept, base: Kept, head: GoalHead) -> None:
        """`told`: keeps vectors of the matcher's encoder; `base`: keeps those of the plain base."""
        self._matcher = matcher.eval()
        self._told = told
        self._base = base
        self._head = head

    @classmethod
    def load(cls, base: Path, adapter: Path, tasks: Sequence[str]) -> Scorer:
        """Load the models. It raises KeyError for an adapter of another shape, ValueError if the linear layer is
        missing.
        """
        matcher, texts = Matcher(tasks), Texts(base)
        load_base(matcher.encoder, base)
        load_adapter(matcher, adapter)
        matcher.encoder.merge()
        return cls(matcher, Kept(matcher.encoder, texts), base_of(base, texts), GoalHead.load(adapter))

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> dict[str, float]:
        vectors = self._base.means([goal, words])
        return self._head.numbers(goal, vectors[0], vectors[1], shape)

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        cosines: list[list[float]] = (self._base.means(left) @ self._base.means(right).T).tolist()
        return cosines

    def read(self, prefix: str, texts: Sequence[str], task: str) -> list[float]:
        return self.read_many([(prefix, texts)], task)[0]

    @torch.inference_mode()
    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]:
        every = dict.fromkeys(text for prefix, texts in asked for text in (prefix, *texts))
        told = dict(zip(every, self._told.tell(list(every)), strict=True))
        return [
            self._matcher.numbers(task, self._matcher.likeness(told[prefix], [told[text] for text in texts])).tolist()
            if texts
            else []
            for prefix, texts in asked
        ]
