"""A fallback measured: unsure answers of a specialist are asked again of its fallback. Knows no queue."""

from __future__ import annotations

from collections.abc import Sequence

from infra.settings import Settings
from specialists.examples import Example
from specialists.measuring.facts import WithFallback
from specialists.measuring.metrics import intervals, score
from specialists.specialist import Specialist
from workers.attempt import confidence_of
from workers.measuring.evaluate import Answer, Evaluation, evaluate_here


def with_fallback_of(
    specialist: Specialist, fallback: Specialist, examples: Sequence[Example], found: Evaluation, settings: Settings
) -> WithFallback:
    """`found`: `specialist` on `examples`. As in serving, the first answer stands if the fallback has none."""
    rule = specialist.manifest.fallback
    assert rule
    unsure = [n for n, answer in enumerate(found.answers) if _is_unsure(specialist, answer, rule.below)]
    answers, seconds = list(found.answers), found.seconds
    if unsure:
        again = evaluate_here(fallback, [examples[n] for n in unsure], settings)
        seconds += again.seconds
        for n, answer in zip(unsure, again.answers, strict=True):
            answers[n] = answer if answer.output is not None else answers[n]
    outputs, rules = [answer.output for answer in answers], specialist.manifest.measure
    return WithFallback(
        to=fallback.name,
        below=rule.below,
        share=round(100 * len(unsure) / len(examples), 1),
        metrics=score(examples, outputs, rules),
        intervals=intervals(examples, outputs, rules),
        jobs_per_s=round(len(examples) / seconds, 2),
    )


def _is_unsure(specialist: Specialist, answer: Answer, below: float) -> bool:
    """An answer without a confidence counts as sure, and so does a missing one: the fallback is asked neither."""
    confidence = confidence_of(specialist, answer.probability)
    return confidence is not None and confidence < below
