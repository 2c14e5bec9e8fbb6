"""When a label head abstains: its novelty is fitted, and its threshold chosen by a target. Knows no file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from specialists.heads.head import Head, seen_of
from specialists.heads.novelty import Novelty
from specialists.heads.readers.label import LabelReader
from specialists.training.heads.learner import HeadLearner
from specialists.training.heads.lessons import Lesson
from specialists.training.newton import balanced_counts, fit

LEAST, MOST = 0.001, 0.5  #: of a threshold
RIDGE = 1e-2  #: pulls the weights of signs to 0


def fit_novelty(learner: HeadLearner, head: Head, lessons: Sequence[Lesson], dev: Sequence[Lesson]) -> None:
    """Do nothing where the head never abstains. `dev` says how the signs weigh; without it the lessons do."""
    found = _abstainer(head)
    if found is None:
        return
    reader, novelty = found
    taught = [each for each in lessons if not _is_unknown(reader, each)]
    novelty.place(_means(learner, taught), [_label(reader, each) for each in taught])
    measured = dev or lessons
    known = [each for each in measured if not _is_unknown(reader, each)]
    unknown = [each for each in measured if _is_unknown(reader, each)]
    signs = _signs(learner, reader, novelty, known)
    novelty.scale(signs)
    if unknown:
        novelty.weigh(_telling_apart(novelty, signs, _signs(learner, reader, novelty, unknown)))
    else:
        novelty.weigh(_distance_alone(novelty, signs))


def _telling_apart(novelty: Novelty, known: torch.Tensor, unknown: torch.Tensor) -> torch.Tensor:
    """Both kinds of texts count the same, however few there are of one."""
    signs = novelty.scaled(torch.cat((known, unknown))).double().numpy()
    truth = np.repeat([1.0, 0.0], [len(known), len(unknown)])
    return torch.from_numpy(fit(signs, truth, balanced_counts(truth), RIDGE)).float()


def _distance_alone(novelty: Novelty, known: torch.Tensor) -> torch.Tensor:
    """A text that is farther off than one in twenty known texts is as likely of no label as of one."""
    far = novelty.scaled(known)[:, 0].quantile(0.95)
    return torch.tensor([-2.0, 0.0, 0.0, 2.0 * float(far)])


def threshold(learner: HeadLearner, head: Head, dev: Sequence[Lesson], share: float) -> float | None:
    """The `abstain_below` at which about `share` of the texts that have a label get none; None where none ever does.

    It is no higher than a half: a text that is likelier of a label than of none keeps its label.
    """
    found = _abstainer(head)
    if found is None:
        return None
    reader, novelty = found
    known = [each for each in dev if not _is_unknown(reader, each)]
    likely = novelty.weighed(_signs(learner, reader, novelty, known)).sigmoid()
    return float(likely.quantile(share).clamp(LEAST, MOST))


def _abstainer(head: Head) -> tuple[LabelReader, Novelty] | None:
    for each in head.readers:
        if isinstance(each, LabelReader) and each.novelty is not None:
            return each, each.novelty
    return None


def _is_unknown(reader: LabelReader, lesson: Lesson) -> bool:
    assert reader.abstaining
    return bool(lesson.output[reader.rule.field] == reader.abstaining.value)


def _label(reader: LabelReader, lesson: Lesson) -> int:
    return reader.rule.values.index(lesson.output[reader.rule.field])


@torch.inference_mode()
def _means(learner: HeadLearner, lessons: Sequence[Lesson]) -> torch.Tensor:  # (N, D)
    return torch.cat([seen_of([each.asked for each in part], states).means for part, states in learner.passes(lessons)])


@torch.inference_mode()
def _signs(
    learner: HeadLearner, reader: LabelReader, novelty: Novelty, lessons: Sequence[Lesson]
) -> torch.Tensor:  # (N, SIGNS)
    means = _means(learner, lessons)
    return novelty.signs(means, reader.out(means))
