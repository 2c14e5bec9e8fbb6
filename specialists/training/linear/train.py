"""Trains a linear specialist: examples in, a table of grams out. Takes seconds, and needs no base's file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from specialists.examples import Example
from specialists.heads.files import save_head
from specialists.heads.head import Head, view_of
from specialists.heads.linear.files import linear_head, readers_of
from specialists.heads.linear.trunk import LinearTrunk
from specialists.heads.linear.words import Words
from specialists.specialist import ADAPTER, Specialist
from specialists.training.heads.abstaining import fit_novelty, threshold
from specialists.training.heads.fitted import log_fit
from specialists.training.heads.learner import HeadLearner
from specialists.training.heads.lessons import Lesson, balance_labels, lessons_of
from specialists.training.heads.train import TrainedHead
from specialists.training.linear.aims import aims_of, parts_of
from specialists.training.linear.labelling import C
from specialists.training.linear.regression import regress, sparse
from specialists.training.linear.table import fill


def train_linear(
    specialist: Specialist,
    examples: Sequence[Example],
    out: Path,
    say: Callable[[str], None],
    dev: Sequence[Example] = (),
    abstain: float | None = None,
) -> TrainedHead:
    """As `train_head` does, on the base without weights. The best fit is unique, so no look chooses it."""
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    head, words, trunk = linear_head(specialist), Words(), LinearTrunk()
    lessons = lessons_of(specialist, head, words, examples, "examples", say)
    measured = lessons_of(specialist, head, words, dev, "development examples", say)
    balance_labels(head, lessons)
    teach(trunk, specialist.name, head, lessons)
    learner = HeadLearner(specialist.name, trunk, head, view_of(specialist, 0), measured)
    fit_novelty(learner, head, lessons, measured)
    save_head(learner.state(), out / ADAPTER)
    log_fit(specialist.name, learner, lessons, out, time.monotonic() - began, say)
    below = None if abstain is None else threshold(learner, head, measured or lessons, abstain)
    return TrainedHead(out / ADAPTER, below)


def teach(trunk: LinearTrunk, name: str, head: Head, lessons: Sequence[Lesson]) -> None:
    """Give the trunk the table that fits the lessons, and the head's readers their constants."""
    texts, aims = [each.asked.reading.text for each in lessons], aims_of(head, lessons)
    table = fill(lambda grams: trunk.teach(name, grams, aims.shape[1]), texts, aims > 0)
    rows = [table.weighed(text) for text in texts]
    found = regress(sparse(rows, len(table.numbers)), torch.from_numpy(aims), parts_of(head), C)
    with torch.no_grad():
        table.weight.copy_(found.weight)
        for start, reader in readers_of(head):
            reader.out.bias.copy_(found.bias[start : start + len(reader.rule.values)])
