"""`manyhands eval` beside the measuring: what it pins, what it refuses to, and what the untuned base is shown."""

from __future__ import annotations

import json
import shutil
import tomllib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import build
from specialists.catalog import SHIPPED
from specialists.confidence import Calibration
from specialists.examples import EXAMPLES, Example, ExamplesError, read_examples
from specialists.specialist import Specialist, load_specialist
from workers.engines import Request
from workers.engines.scripted import ScriptedEngine
from workers.measuring.eval_cli import LEAST_JUDGED, _calibrated, _untuned, pin, trust
from workers.measuring.evaluate import Answer, Evaluation, evaluate

FOUND = Evaluation(
    specialist="triage", n=120, valid_share=100.0, metrics={"accuracy": 75.0}, intervals={"accuracy": (65.0, 84.0)},
    counts={}, seconds=1.0, jobs_per_s=80.0, tokens_in=40, tokens_out=3,
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
    assert trust(few) is None
    assert trust(FOUND)


def test_what_was_fitted_is_pinned_and_counts_at_once(triage: Specialist) -> None:
    fitted = _calibrated(triage, FOUND).manifest.confidence
    pinned = load_specialist(triage.folder, adapters=False).manifest.confidence
    assert fitted
    assert pinned
    assert (pinned.scale, pinned.shift) == pytest.approx((fitted.scale, fitted.shift), abs=1e-3)


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--untuned", "--calibrate"], "leave out --untuned"),
        (["--shots", "4"], "give --untuned too"),
        (["--limit", "1", "--card"], "leave out --limit"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_is_done(
    tmp_path: Path, options: list[str], advice: str
) -> None:
    data = tmp_path / "dev.jsonl"
    data.write_text('{"input": {"text": "x"}, "output": {"intent": "card_arrival"}}\n')

    found = CliRunner().invoke(build(), ["eval", "triage", "--data", str(data), *options])

    assert found.exit_code == 2
    assert advice in found.output


def test_the_planner_is_measured_by_what_comes_of_its_plans(tmp_path: Path) -> None:
    found = CliRunner().invoke(build(), ["eval", "planner", "--data", str(SHIPPED / "planner" / EXAMPLES)])

    assert found.exit_code == 2
    assert "try goals for 'planner' with `manyhands rehearse`" in found.output


def test_scores_are_kept_in_a_card_that_there_is_and_that_is_found_out_first(
    triage: Specialist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = triage.folder.rename(tmp_path / "mine")
    (mine / "card.md").unlink()
    manifest = (mine / "specialist.toml").read_text()
    (mine / "specialist.toml").write_text(manifest.replace('name = "triage"', 'name = "mine"', 1))
    monkeypatch.setenv("MANYHANDS_SPECIALISTS", json.dumps([str(mine)]))

    found = CliRunner().invoke(build(), ["eval", "mine", "--data", str(mine / EXAMPLES), "--card"])

    assert found.exit_code == 2
    assert "'mine' has no card.md to keep scores in: `manyhands train` writes one" in found.output


def test_an_input_that_serving_would_refuse_counts_as_wrong_and_is_not_asked(triage: Specialist) -> None:
    good = Example({"text": "Where is my card?"}, {"intent": "card_arrival"})
    asked: list[Request] = []

    def answer(request: Request) -> str:
        asked.append(request)
        return '{"intent":"card_arrival"}'

    with closing(ScriptedEngine({"triage": answer})) as engine:
        found = evaluate(triage, [good, Example({"words": "?"}, good.output)], engine)
    assert (len(asked), found.metrics["accuracy"], found.valid_share) == (1, 50.0, 50.0)
    assert next(iter(found.refused)).startswith("triage.input")


def test_data_of_another_job_is_refused(triage: Specialist) -> None:
    foreign = [Example({"words": "?"}, {"intent": "card_arrival"})]
    with (
        closing(ScriptedEngine({})) as engine,
        pytest.raises(ExamplesError, match=r"none of the 1 examples is one of 'triage': triage\.input"),
    ):
        evaluate(triage, foreign, engine)


def test_the_untuned_base_is_shown_examples_with_their_answers_and_room_for_them() -> None:
    route = load_specialist(SHIPPED / "route", adapters=False)
    first, second = read_examples(route.folder / EXAMPLES)[:2]
    found = _untuned(route, [first, second])

    prompt = found.render({"text": "Where is it?"})
    assert prompt.startswith(route.render(first.input) + route.write(first.output) + "\n\n")
    assert prompt.endswith(route.render({"text": "Where is it?"}))
    assert found.manifest.adapter is None
    assert found.manifest.limits.input_tokens > route.manifest.limits.input_tokens
    assert _untuned(route, []).prompt == route.prompt


def test_what_is_read_off_has_no_untuned_base_to_measure() -> None:
    found = CliRunner().invoke(build(), ["eval", "triage", "--data", str(SHIPPED / "triage" / EXAMPLES), "--untuned"])

    assert found.exit_code == 2
    assert "'triage' reads its answers off by what it has learnt: leave out --untuned" in found.output
