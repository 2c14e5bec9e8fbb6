"""A specialist with a fallback, measured: which answers are asked again, and which one counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from infra.settings import Settings
from specialists.examples import Example
from specialists.measuring.facts import WithFallback
from specialists.specialist import Specialist
from tests.support.story import with_fallback
from workers.measuring import with_fallback as measuring
from workers.measuring.evaluate import Answer, Evaluation
from workers.measuring.with_fallback import with_fallback_of

CATALOG = with_fallback(below=0.7)
RIGHT, WRONG = {"intent": "card_arrival"}, {"intent": "lost_or_stolen_card"}
EXAMPLES = [Example({"text": str(n)}, RIGHT) for n in range(4)]


def evaluation(answers: Sequence[Answer]) -> Evaluation:
    return Evaluation(
        specialist="triage", n=len(answers), valid_share=100.0, metrics={}, intervals={}, counts={}, seconds=2.0,
        jobs_per_s=1.0, tokens_in=1.0, tokens_out=1.0, refused={}, answers=answers,
    )  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that the fallback was asked about; it is right about all but the first, of which it has no answer."""
    texts: list[str] = []

    def fallback(_: Specialist, examples: Sequence[Example], __: Settings) -> Evaluation:
        texts.extend(example.input["text"] for example in examples)
        return evaluation([Answer() if each.input["text"] == "0" else Answer(RIGHT, 0.1, True) for each in examples])

    monkeypatch.setattr(measuring, "evaluate_here", fallback)
    return texts


def measured(*answers: Answer) -> WithFallback:
    triage, large = CATALOG.get("triage"), CATALOG.get("large")
    triage = replace(triage, manifest=triage.manifest.model_copy(update={"confidence": None}))
    return with_fallback_of(triage, large, EXAMPLES, evaluation(answers), Settings(_env_file=None))


def test_unsure_answers_are_asked_again_and_the_first_stands_where_the_fallback_has_none(asked: list[str]) -> None:
    found = measured(Answer(WRONG, 0.2), Answer(WRONG, 0.69), Answer(WRONG, 0.7), Answer(RIGHT, 0.9, True))
    assert asked == ["0", "1"]
    assert (found.to, found.below, found.share) == ("large", 0.7, 50.0)
    assert found.metrics["accuracy"] == 50.0  # the second is mended, the first and the third are not
    assert found.jobs_per_s == 1.0  # of two runs of two seconds


def test_what_has_no_answer_or_says_nothing_is_not_asked_again(asked: list[str]) -> None:
    found = measured(Answer(), Answer(RIGHT, None, True), Answer(RIGHT, 0.9, True), Answer(RIGHT, 0.9, True))
    assert (asked, found.share, found.metrics["accuracy"], found.jobs_per_s) == ([], 0.0, 75.0, 2.0)
