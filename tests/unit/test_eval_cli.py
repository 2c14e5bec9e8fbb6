"""`manyhands eval` beside the measuring: what it pins, what it refuses to, and what the untuned base is shown."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import build
from specialists.catalog import SHIPPED
from specialists.confidence import Calibration
from specialists.examples import EXAMPLES, read_examples
from specialists.specialist import Specialist, load_specialist
from workers.eval_cli import LEAST_JUDGED, _calibrated, _untuned, confidence_of, pin
from workers.evaluate import Answer, Evaluation

FOUND = Evaluation(
    specialist="triage", n=120, valid_share=100.0, metrics={"accuracy": 75.0}, intervals={"accuracy": (65.0, 84.0)},
    seconds=1.0, jobs_per_s=80.0, tokens_in=40, tokens_out=3,
    refused={}, answers=[Answer({"intent": "x"}, 0.4 + n / 300, n >= 30) for n in range(120)],
)  # fmt: skip


@pytest.fixture
def triage(tmp_path: Path) -> Specialist:
    shutil.copytree(SHIPPED / "triage", tmp_path / "triage")
    return load_specialist(tmp_path / "triage", adapters=False)


def test_a_calibration_is_pinned_in_place_of_an_earlier_one_and_changes_no_digest(triage: Specialist) -> None:
    before = triage.digest
    for scale in (0.5, 0.25):
        pin(triage.folder, Calibration(scale=scale, shift=-1))

    again = load_specialist(triage.folder, adapters=False)
    assert again.manifest.confidence == Calibration(scale=0.25, shift=-1)
    assert again.digest == before
    assert (triage.folder / "specialist.toml").read_text().count("[confidence]") == 1
    assert tomllib.loads((triage.folder / "specialist.toml").read_text())["limits"]["attempts"] == 3


def test_too_few_answers_with_a_probability_pin_nothing_and_say_so(
    triage: Specialist, capsys: pytest.CaptureFixture[str]
) -> None:
    few, before = replace(FOUND, answers=FOUND.answers[: LEAST_JUDGED - 1]), triage.manifest.confidence

    assert _calibrated(triage, few) is triage
    assert load_specialist(triage.folder, adapters=False).manifest.confidence == before
    assert "no confidence is pinned: 99 answers came with a probability" in capsys.readouterr().err
    assert confidence_of(few) is None
    assert confidence_of(FOUND)


def test_what_was_fitted_is_pinned_and_counts_at_once(triage: Specialist) -> None:
    fitted = _calibrated(triage, FOUND).manifest.confidence
    pinned = load_specialist(triage.folder, adapters=False).manifest.confidence
    assert fitted
    assert pinned
    assert (pinned.scale, pinned.shift) == (
        pytest.approx(fitted.scale, abs=1e-3),
        pytest.approx(fitted.shift, abs=1e-3),
    )


def test_the_base_is_not_calibrated_in_the_adapters_place(tmp_path: Path) -> None:
    data = tmp_path / "dev.jsonl"
    data.write_text('{"input": {"text": "x"}, "output": {"intent": "card_arrival"}}\n')

    found = CliRunner().invoke(build(), ["eval", "triage", "--data", str(data), "--untuned", "--calibrate"])

    assert found.exit_code == 2
    assert "leave out --untuned" in found.output


def test_the_untuned_base_is_shown_examples_with_their_answers_and_room_for_them(triage: Specialist) -> None:
    found = _untuned(triage, read_examples(triage.folder / EXAMPLES)[:2])

    prompt = found.render({"text": "Where is it?"})
    assert prompt.startswith(triage.render({"text": "My card has still not come in the post."}) + "card arrival\n\n")
    assert prompt.endswith(triage.render({"text": "Where is it?"}))
    assert found.manifest.adapter is None
    assert found.manifest.limits.input_tokens > triage.manifest.limits.input_tokens
    assert _untuned(triage, []).prompt == triage.prompt
