"""A linear layer over a frozen base: what reads the answer is found by regression, and the base stays as it is."""

from __future__ import annotations

import torch

from specialists.heads.head import Head, seen_of
from specialists.heads.linear.files import readers_of
from specialists.training.heads.learner import HeadLearner
from specialists.training.heads.lessons import Lesson
from specialists.training.linear.aims import aims_of, parts_of
from specialists.training.linear.regression import Rows, regress

C = 0.1  #: how much the losses count beside the weights' squares, over states of spread 1


def fit_readers(learner: HeadLearner, head: Head, lessons: list[Lesson]) -> None:
    """The readers of labels take the mean states of the lessons."""
    with torch.inference_mode():
        seen = [seen_of([each.asked for each in some], states).means for some, states in learner.passes(lessons)]
    x = torch.cat(seen).clone()
    middle, spread = x.mean(0), x.std(0).clamp(min=1e-6)
    x = (x - middle) / spread
    found = regress(Rows(x, x.T), torch.from_numpy(aims_of(head, lessons)), parts_of(head), C)
    weight = found.weight / spread[:, None]
    bias = found.bias - middle @ weight
    with torch.no_grad():
        for start, reader in readers_of(head):
            own = slice(start, start + len(reader.rule.values))
            reader.out.weight.copy_(weight[:, own].T)
            reader.out.bias.copy_(bias[own])
