"""Confidence: how likely an answer is right, computed from the model's own probability. Pure; knows no model.

The model's own probability ranks answers well, but it is too high or too low. Two numbers, fitted on answers whose
truth is known, turn it into the share of right answers (Platt, 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from pydantic import BaseModel, ConfigDict, Field

#: The least value of a probability and of its complement, since certainty has no odds.
LEAST = 1e-6

#: An answer's confidence, and whether it was right.
Judged = tuple[float, bool]


class Calibration(BaseModel):
    """Turns the model's own probability into a confidence: the logarithm of its odds times `scale`, plus `shift`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float = Field(default=1.0, description="The logarithm of the probability's odds is multiplied by it.")
    shift: float = Field(default=0.0, description="It is added to the product.")

    def confidence(self, probability: float) -> float:
        return _sigmoid(self.scale * _log_odds(probability) + self.shift)

    def spread(self, probabilities: Sequence[float]) -> list[float]:
        """The probabilities of an answer and of others, the likeliest of them first, where the answer's own is its
        confidence. The others share what is left as they did before, and none of them comes to pass the answer.
        """
        answer, others = probabilities[0], probabilities[1:]
        sure = self.confidence(answer)
        share = (1 - sure) / max(1 - answer, LEAST)
        if others and 0 < others[0] <= answer:
            share = min(share, sure / others[0])
        return [sure, *(share * each for each in others)]


def calibrate(judged: Sequence[Judged], steps: int = 50) -> Calibration:
    """Fit the calibration that makes the known truth likeliest, by Newton's method.

    Targets are Platt's: a little short of 0 and 1, so that answers that are all right do not make the calibration
    certain.
    """
    right = sum(truth for _, truth in judged)
    yes, no = (right + 1) / (right + 2), 1 / (len(judged) - right + 2)
    points = [(_log_odds(probability), yes if truth else no) for probability, truth in judged]
    scale, shift = 0.0, 0.0
    for _ in range(steps):
        slopes, bends = [0.0, 0.0], [1e-6, 0.0, 1e-6]
        for x, target in points:
            found = _sigmoid(scale * x + shift)
            weight = found * (1 - found)
            slopes = [slopes[0] + (found - target) * x, slopes[1] + found - target]
            bends = [bends[0] + weight * x * x, bends[1] + weight * x, bends[2] + weight]
        area = bends[0] * bends[2] - bends[1] ** 2
        scale -= (bends[2] * slopes[0] - bends[1] * slopes[1]) / area
        shift -= (bends[0] * slopes[1] - bends[1] * slopes[0]) / area
    return Calibration(scale=scale, shift=shift)


def calibration_error(judged: Sequence[Judged], bins: int = 10) -> float:
    """Expected calibration error, in percent: the distance between confidence and the share of right answers, over bins
    that hold equal numbers of answers (Nguyen and O'Connor, 2015), so that no bin is nearly empty.
    """
    ordered = _ordered(judged)
    error = 0.0
    for n in range(bins):
        part = ordered[n * len(ordered) // bins : (n + 1) * len(ordered) // bins]
        error += abs(sum(confidence - right for confidence, right in part))
    return 100 * error / len(judged)


def _ordered(judged: Sequence[Judged]) -> list[tuple[float, float]]:
    """Order the answers by rising confidence. Answers with the same confidence all get their common share of right
    ones, so that their order among each other does not matter.
    """
    alike: dict[float, list[bool]] = {}
    for confidence, truth in judged:
        alike.setdefault(confidence, []).append(truth)
    return [(confidence, sum(alike[confidence]) / len(alike[confidence])) for confidence, _ in sorted(judged)]


def cross_calibrated(judged: Sequence[Judged], folds: int = 5) -> list[Judged]:
    """Give each answer the confidence of a calibration that was fitted without the answer's own fold."""
    found: list[Judged] = []
    for fold in range(folds):
        fitted = calibrate([each for n, each in enumerate(judged) if n % folds != fold])
        found += [(fitted.confidence(p), truth) for n, (p, truth) in enumerate(judged) if n % folds == fold]
    return found


def coverage(judged: Sequence[Judged], shares: Sequence[float] = (1.0, 0.9, 0.8, 0.7, 0.5)) -> list[dict[str, float]]:
    """For each share of the surest answers: the confidence of the last one kept, and the percentage that is right."""
    ordered = _ordered(judged)[::-1]
    rows = []
    for share in shares:
        kept = ordered[: max(1, round(share * len(ordered)))]
        right = 100 * sum(right for _, right in kept) / len(kept)
        rows.append({"coverage": 100 * len(kept) / len(ordered), "threshold": kept[-1][0], "right": right})
    return rows


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, LEAST), 1 - LEAST)
    return log(bounded / (1 - bounded))


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
