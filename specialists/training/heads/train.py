"""Trains the head of one specialist: examples in, a file out, resumable. Knows nothing of queues or serving."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from infra.process.allocator import keep_freed_memory
from specialists.examples import Example, drawn
from specialists.heads.files import save_head
from specialists.heads.head import Head, view_of
from specialists.heads.tokens import Tokens
from specialists.heads.trunks import TrunkError, load_trunk
from specialists.specialist import ADAPTER, Specialist
from specialists.training.course import Course, Options, TrainingError
from specialists.training.heads.abstaining import fit_novelty, threshold
from specialists.training.heads.fitted import log_fit
from specialists.training.heads.frozen import fit_readers
from specialists.training.heads.learner import HeadLearner
from specialists.training.heads.lessons import balance_labels, lessons_of
from specialists.training.looks import look_examples


@dataclass(frozen=True)
class TrainedHead:
    path: Path
    abstain_below: float | None  #: chosen by the target; None without a target


def train_head(
    specialist: Specialist,
    examples: Sequence[Example],
    base: Path,
    out: Path,
    options: Options,
    say: Callable[[str], None],
    dev: Sequence[Example] = (),
    threads: int | None = None,
    abstain: float | None = None,
    frozen: bool = False,
) -> TrainedHead:
    """Train the head of `specialist` and write it to `out`; the run continues from the checkpoint there, if any.

    With `dev` the head of the best look is kept. `abstain`: the share of texts with a label that may get none, by which
    the threshold is chosen. `frozen`: only what reads labels is trained. It raises TrainingError.
    """
    rule = specialist.manifest.head
    assert rule, "of a specialist with a head"
    torch.manual_seed(options.seed)
    try:
        trunk = load_trunk(base, rule.layers)
    except TrunkError as error:
        raise TrainingError(str(error)) from None
    keep_freed_memory()
    head, tokens, view = Head(specialist, trunk.width), Tokens(base), view_of(specialist, len(trunk.blocks))
    trunk.adapt(specialist.name, view.layers, options.rank, options.alpha)  # it changes nothing before it is trained
    lessons = lessons_of(specialist, head, tokens, examples, "examples", say)
    measured = lessons_of(specialist, head, tokens, dev, "development examples", say)
    looked = drawn(measured, look_examples(round(options.epochs * len(lessons))))
    balance_labels(head, lessons)
    learner = HeadLearner(specialist.name, trunk, head, view, looked)
    rows = [[[each.asked.reading.ids, each.output] for each in some] for some in (lessons, looked)]
    run = hashlib.sha256(json.dumps([base.name, rule.model_dump(), asdict(options), rows]).encode()).hexdigest()
    if frozen:
        began = time.monotonic()
        fit_readers(learner, head, lessons)
        log_fit(specialist.name, learner, lessons, out, time.monotonic() - began, say)
    else:
        learner.load(Course(specialist.name, learner, options, out, run, say, threads).train(lessons))
    fit_novelty(learner, head, lessons, measured)
    path = out / ADAPTER
    save_head(learner.state(), path)
    below = None if abstain is None else threshold(learner, head, measured or lessons, abstain)
    return TrainedHead(path, below)
