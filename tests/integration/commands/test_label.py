"""`manyhands label`: a shipped specialist with its real weights labels inputs, and what it writes can be trained on."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli import build
from specialists.catalog import SHIPPED
from specialists.examples import read_examples
from specialists.specialist import load_specialist
from workers.engines import Completion, Finish
from workers.measuring.evaluate import Asked
from workers.measuring.label_cli import UNSURE, LabelError, labelled

TRIAGE = load_specialist(SHIPPED / "triage")
OUTPUT = {"intent": "card_arrival"}


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Of the examples that ship, without their outputs, and one that no intent fits."""
    texts = [example.input["text"] for example in read_examples(SHIPPED / "triage" / "examples.jsonl")[:4]]
    path = tmp_path / "inputs.jsonl.gz"
    with gzip.open(path, "wt") as lines:
        lines.writelines(json.dumps({"input": {"text": text}}) + "\n" for text in [*texts, "xq zzv"])
    return path


def label(*args: object) -> Result:
    return CliRunner().invoke(build(), ["label", *map(str, args)])


def test_sure_answers_become_examples_and_the_others_are_counted(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "labelled.jsonl"
    said = label("triage", "--data", inputs, "--out", out, "--above", "0.8")
    kept, given = read_examples(out), read_examples(SHIPPED / "triage" / "examples.jsonl")[:4]
    assert said.exit_code == 0, said.output
    assert f"{len(kept)} of 5 answers, of a confidence of 0.8 and more" in said.stdout
    assert f"{5 - len(kept)} x {UNSURE}" in said.stdout
    right = {example.input["text"]: example.output for example in given}
    assert kept
    assert all(example.output == right[example.input["text"]] for example in kept), "and not the one without a sense"
    assert {example.source for example in kept} == {"triage"}


def test_inputs_of_another_shape_are_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "inputs.jsonl").write_text('{"input": {"words": "?"}}\n{"input": {"words": "!"}}\n')
    said = label("triage", "--data", tmp_path / "inputs.jsonl", "--out", tmp_path / "out.jsonl")
    assert said.exit_code == 2
    assert said.stderr.startswith("error: inputs.jsonl: none of the 2 inputs is one of 'triage': triage.input")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_bad_line_and_a_bad_input_cost_no_other_and_are_told(tmp_path: Path) -> None:
    (tmp_path / "inputs.jsonl").write_bytes(
        b'{"input": {"text": "Where is my card?"}}\n{"input": {"words": "?"}}\n{"input": {"text": "caf\xe9"}}\n'
    )
    said = label("triage", "--data", tmp_path / "inputs.jsonl", "--out", tmp_path / "out.jsonl")
    assert said.exit_code == 0, said.output
    assert "1 of 3 lines of inputs.jsonl left out: inputs.jsonl:3: is not UTF-8 (byte 23)" in said.stderr
    assert "1 of 2 answers" in said.stdout
    assert "1 x triage.input" in said.stdout


def test_the_planner_labels_nothing(tmp_path: Path) -> None:
    said = label("planner", "--data", SHIPPED / "planner" / "examples.jsonl", "--out", tmp_path / "out.jsonl")
    assert said.exit_code == 2
    assert said.stderr == "error: 'planner' writes plans, on which `manyhands train` trains nothing\n"


def test_an_unsure_or_a_missing_answer_is_left_out_and_an_engine_that_says_nothing_is_refused() -> None:
    inputs = [{"text": str(number)} for number in range(3)]
    sure, unsure, mute = (Completion("", Finish.STOP, probability=each) for each in (0.999, 0.01, None))
    left_out: Counter[str] = Counter()
    answers = [Asked(OUTPUT, sure), Asked(OUTPUT, unsure), Asked(None, sure, "it broke")]
    rows = list(labelled(TRIAGE, inputs, iter(answers), 0.8, left_out))
    assert [row["input"]["text"] for row in rows] == ["0"]
    assert left_out == {UNSURE: 1, "it broke": 1}

    with pytest.raises(LabelError, match="does not say how sure it is: leave out --above"):
        list(labelled(TRIAGE, inputs[:1], iter([Asked(OUTPUT, mute)]), 0.8, left_out))
    assert list(labelled(TRIAGE, inputs[:1], iter([Asked(OUTPUT, mute)]), 0.0, left_out))
