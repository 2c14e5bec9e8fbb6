"""Trains a linear specialist: examples in, a table of grams out. Takes seconds, and needs no base's file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from specialists.examples import Example, drawn
from specialists.heads.files import save_head
from specialists.heads.head import Head, view_of
from specialists.heads.linear.files import answers_of, linear_head, readers_of
from specialists.heads.linear.grams import Numbers, letter_grams, word_grams
from specialists.heads.linear.trunk import LinearTrunk
from specialists.heads.linear.words import Words
from specialists.heads.readers.label import LabelReader
from specialists.specialist import ADAPTER, Specialist
from specialists.training.course import LOG
from specialists.training.heads.abstaining import fit_novelty, threshold
from specialists.training.heads.learner import HeadLearner
from specialists.training.heads.lessons import Lesson, balance_labels, lessons_of
from specialists.training.heads.train import LOOKED, TrainedHead
from specialists.training.linear.choice import chosen
from specialists.training.linear.regression import Part, regress

C = 20.0  #: how much the losses count beside the weights' squares


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
    measured = lessons_of(specialist, head, words, drawn(list(dev), LOOKED), "development examples", say)
    balance_labels(head, lessons)
    teach(trunk, specialist.name, head, lessons)
    learner = HeadLearner(specialist.name, trunk, head, view_of(specialist, 0), measured)
    fit_novelty(learner, head, lessons, measured)
    save_head(learner.state(), out / ADAPTER)
    line: dict[str, float] = {"step": 0, "of": 1, "loss": round(learner.look_at(lessons).loss, 4)}
    if look := learner.look():
        line |= {"dev_loss": round(look.loss, 4), "dev_exact": round(look.exact, 2)}
        say(f"{specialist.name}: dev loss {look.loss:.3f}, exact {look.exact:.1f} %")
    tokens = sum(map(len, lessons))
    seconds = time.monotonic() - began
    line |= {"tokens_s": round(tokens / seconds), "seconds": round(seconds, 2)}
    (out / LOG).write_text(json.dumps(line) + "\n")
    below = None if abstain is None else threshold(learner, head, measured or lessons, abstain)
    return TrainedHead(out / ADAPTER, below)


def teach(trunk: LinearTrunk, name: str, head: Head, lessons: Sequence[Lesson]) -> None:
    """Give the trunk the table that fits the lessons, and the head's readers their constants."""
    texts = [each.asked.reading.text for each in lessons]
    aims = _aims(head, lessons)
    numbers, rarity = chosen([_grams(text) for text in texts], (aims > 0).astype(np.float32))
    table = trunk.teach(name, len(numbers), aims.shape[1])
    _put(table.numbers, torch.from_numpy(numbers.view(np.int32)))
    _put(table.rarity, torch.from_numpy(rarity))
    parts = [
        Part(start, start + len(reader.rule.values), isinstance(reader, LabelReader))
        for start, reader in readers_of(head)
    ]
    rows = [table.weighed(text) for text in texts]
    found = regress(rows, len(numbers), torch.from_numpy(aims), parts, C)
    _put(table.weight, found.weight)
    for start, reader in readers_of(head):
        _put(reader.out.bias, found.bias[start : start + len(reader.rule.values)])


def _aims(head: Head, lessons: Sequence[Lesson]) -> NDArray[np.float32]:
    """(N, answers): 0 where an answer does not hold, and of one label how much its text counts."""
    aims = np.zeros((len(lessons), answers_of(head.rules)), np.float32)
    for (start, reader), column in zip(readers_of(head), zip(*(each.aims for each in lessons), strict=True), strict=True):
        for row, aim in enumerate(column):
            if isinstance(reader, LabelReader):
                assert reader.balance is not None
                aims[row, start + int(aim)] = reader.balance[int(aim)]
            else:
                aims[row, start : start + len(aim)] = aim.numpy()
    return aims


def _grams(text: str) -> Numbers:
    return np.unique(np.concatenate((word_grams(text), letter_grams(text))))


def _put(parameter: torch.Tensor, value: torch.Tensor) -> None:
    with torch.no_grad():
        parameter.copy_(value)
