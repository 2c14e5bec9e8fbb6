"""Alternatives: the likeliest values of each label that was read off, as an outcome tells them. Knows no engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

from infra.records import Alternative
from specialists.confidence import Calibration
from specialists.specialist import Specialist

DIGITS = 4  #: as a confidence has


def alternatives_of(
    specialist: Specialist, ranked: Mapping[str, Sequence[tuple[Any, float]]] | None
) -> dict[str, tuple[Alternative, ...]] | None:
    """By field, the likeliest first. None if none were asked for, or if the model is untrained, as a confidence is.

    `ranked`: of each field the value of the output, and then the others. Where the output is one label, that value has
    the outcome's confidence. A calibration is of whole outputs, so it says nothing of one field among several.
    """
    if not ranked or not specialist.manifest.trained:
        return None
    whole = len(specialist.output_schema["properties"]) == 1
    calibration = (specialist.manifest.confidence if whole else None) or Calibration()
    return {field: _told(pairs, calibration) for field, pairs in ranked.items()}


def _told(ranked: Sequence[tuple[Any, float]], calibration: Calibration) -> tuple[Alternative, ...]:
    """The first is rounded as a confidence is, and the others down, so that their sum is never above 1."""
    answer, *others = calibration.spread([probability for _, probability in ranked])
    rounded = [round(answer, DIGITS), *(floor(10**DIGITS * each) / 10**DIGITS for each in others)]
    told = [Alternative(value=value, probability=p) for (value, _), p in zip(ranked, rounded, strict=True)]
    return tuple(sorted(told, key=lambda each: -each.probability))
