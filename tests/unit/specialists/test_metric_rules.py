"""Metrics that a manifest names: counted as it says, refused at load where the schemas have no such thing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import build
from specialists.catalog import load_catalog
from specialists.examples import EXAMPLES, Example, read_examples
from specialists.measuring.facts import Facts, Measured
from specialists.measuring.guessing import guessed
from specialists.measuring.metrics import counts, score
from specialists.measuring.report import Entry
from specialists.metric_rule import MetricRule
from specialists.specialist import SpecialistError, load_specialist

MANIFEST = """
name = "parts"
version = "1.0.0"
description = "Finds the parts of a machine and their makers."
engine = "function"
function = "find.py:find"
"""
TEXT = {"type": "string", "maxLength": 40}
PAIR = {"type": "object", "properties": {"part": TEXT, "maker": TEXT}, "additionalProperties": False}
INPUT = {"type": "object", "properties": {"text": TEXT, "shop": TEXT}, "additionalProperties": False}
OUTPUT = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["car", "boat", "none"]},
        "pairs": {"type": "array", "maxItems": 9, "items": PAIR},
        "count": {"type": "integer"},
    },
    "additionalProperties": False,
}


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "input.schema.json").write_text(json.dumps(INPUT))
    (folder / "output.schema.json").write_text(json.dumps(OUTPUT))
    (folder / "find.py").write_text('def find(input): return {"pairs": [{"part": "sail", "maker": "Elm"}]}\n')
    (folder / "specialist.toml").write_text(MANIFEST)
    return folder


def named(folder: Path, rows: str) -> Path:
    (folder / "specialist.toml").write_text(f"{MANIFEST}[measure]\n{rows}\n")
    return folder


def scored(expected: list[dict[str, Any]], outputs: list[Any], **rule: Any) -> float:
    examples = [Example({}, output) for output in expected]
    return score(examples, outputs, {"found": MetricRule(**rule)})["found"]


def test_a_list_of_pairs_with_names_of_ones_own_has_an_f1(parts: Path) -> None:
    rules = load_specialist(named(parts, 'pair_f1 = {how = "f1", of = "pairs"}')).manifest.measure
    keel, mast = {"part": "keel", "maker": "Ash"}, {"maker": "Oak", "part": "mast"}
    wanted, given = {"pairs": [keel, mast]}, {"pairs": [dict(reversed(keel.items())), mast | {"maker": "Elm"}]}

    # 1 hit, 2 answered, 3 expected
    found = score([Example({}, wanted), Example({}, {"pairs": [mast]})], [given, None], rules)
    assert found == {"pair_f1": 40.0}


def test_an_f1_of_texts_and_of_a_map_is_of_their_items() -> None:
    assert scored([{"words": ["a", "b"]}], [{"words": ["b", "c"]}], how="f1", of="words") == 50
    assert scored([{"of": {"a": "1", "b": "2"}}], [{"of": {"a": "1", "b": "3"}}], how="f1", of="of") == 50


def test_a_share_is_of_the_field_that_is_named_and_of_the_examples_that_are_chosen() -> None:
    expected = [{"kind": "car", "count": 1}, {"kind": "none", "count": 0}, {"kind": "none", "count": 2}]
    outputs = [{"kind": "car", "count": 5}, {"kind": "none", "count": 0}, None]
    shares = {
        "all": scored(expected, outputs, how="accuracy", of="kind"),
        "only": scored(expected, outputs, how="accuracy", of="kind", only="none"),
        "but": scored(expected, outputs, how="accuracy", of="kind", but="none"),
        "fields": scored(expected, outputs, how="fields"),
        "exact": scored(expected, outputs, how="exact"),
    }
    assert shares == {"all": 66.67, "only": 50, "but": 100, "fields": 50, "exact": 33.33}
    chosen = {"only": MetricRule(how="accuracy", of="kind", only="none")}
    assert counts([Example({}, output) for output in expected], chosen) == {"only": 2}


def test_a_macro_f1_takes_the_mean_over_the_field_of_the_input_that_is_named() -> None:
    examples = [Example({"shop": shop}, {"kind": kind}) for shop, kind in (("x", "car"), ("x", "boat"), ("y", "car"))]
    outputs = [{"kind": "car"}] * 3
    rules = {"apart": MetricRule(how="macro_f1", of="kind", by="shop"), "whole": MetricRule(how="macro_f1", of="kind")}

    # x: 2/3 of car and 0 of boat; y: 1. Over all: 4/5 of car and 0 of boat.
    assert score(examples, outputs, rules) == {"apart": 66.67, "whole": 40.0}


def test_a_field_that_no_output_has_is_right_where_none_is_expected() -> None:
    assert scored([{}], [{}], how="macro_f1", of="kind") == 100
    assert scored([{}, {}], [{}, None], how="accuracy", of="kind") == 50
    assert scored([{}], [{"pairs": []}], how="f1", of="pairs") == 100


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('a = {how = "f2", of = "pairs"}', r"measure\.a\.how: Input should be 'exact', 'fields', 'accuracy'"),
        ('a = {how = "f1"}', "how = 'f1' counts one field of the output: name it by 'of'"),
        ('a = {how = "exact", of = "kind"}', "how = 'exact' counts all fields of the output: leave out 'of'"),
        ('a = {how = "f1", of = "pairs", only = "x"}', "'only' and 'but' choose examples for how = 'accuracy'"),
        ('a = {how = "accuracy", of = "kind", only = "car", but = "boat"}', "leave out one of them"),
        ('a = {how = "accuracy", of = "kind", by = "shop"}', "'by' is for how = 'macro_f1'"),
        ('a = {how = "accuracy", of = "sort"}', "of = 'sort' is no field of the output; it has: kind, pairs, count"),
        ('a = {how = "f1", of = "kind"}', "of = 'kind' is no list or map of the output; it has: pairs"),
        ('a = {how = "macro_f1", of = "pairs"}', "of = 'pairs' is no label of the output; it has: kind"),
        (
            'a = {how = "macro_f1", of = "kind", by = "town"}',
            "by = 'town' is no field of the input; it has: text, shop",
        ),
        (
            'a = {how = "accuracy", of = "kind", only = "cart"}',
            "only = 'cart' is no value of 'kind'; it has: car, boat",
        ),
        ('a = {how = "accuracy", of = "kind", but = "cart"}', "but = 'cart' is no value of 'kind'; it has: car, boat"),
        ('A-1 = {how = "exact"}', r"measure\.A-1"),
        ('a = {how = "exact", off = "kind"}', r"measure\.a\.off: Extra inputs are not permitted"),
    ],
)
def test_a_metric_of_what_there_is_not_is_refused_at_load(parts: Path, row: str, fault: str) -> None:
    with pytest.raises(SpecialistError, match=fault):
        load_specialist(named(parts, row))


def test_how_it_is_measured_changes_no_digest(parts: Path) -> None:
    before = load_specialist(parts).digest
    assert load_specialist(named(parts, 'exact = {how = "exact"}')).digest == before


def test_a_folder_that_names_no_metrics_is_measured_and_told_which_were_guessed(
    parts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = tmp_path / "dev.jsonl"
    data.write_text('{"input": {"text": "x"}, "output": {"pairs": [{"part": "sail", "maker": "Elm"}]}}\n')
    monkeypatch.setenv("MANYHANDS_SPECIALISTS", json.dumps([str(parts)]))
    asked = ["eval", "parts", "--data", str(data), "--json"]

    guess = CliRunner().invoke(build(), asked)
    (parts / "specialist.toml").write_text(MANIFEST + guess.stderr.partition("change it:\n")[2])
    same = CliRunner().invoke(build(), asked)
    named(parts, 'pair_f1 = {how = "f1", of = "pairs"}')
    own = CliRunner().invoke(build(), asked)

    assert "the manifest of 'parts' names no metrics" in guess.stderr
    assert json.loads(guess.stdout)["metrics"] == json.loads(same.stdout)["metrics"]
    assert json.loads(guess.stdout)["metrics"] == {"pairs_f1": 100, "exact": 100}
    assert json.loads(own.stdout)["metrics"] == {"pair_f1": 100}
    assert same.stderr == own.stderr == ""


def test_all_that_ships_names_its_metrics_and_those_that_would_be_guessed_are_among_them() -> None:
    for specialist in load_catalog(adapters=False):
        if specialist.manifest.inner_engine == "planner":
            continue  # which `manyhands eval-planner` measures, by goals
        assert specialist.manifest.measure, specialist.name
        if (path := specialist.folder / EXAMPLES).exists():
            assert specialist.manifest.measure.keys() >= guessed(read_examples(path)).keys(), specialist.name


def test_the_report_shows_the_metrics_that_the_manifest_names_first(parts: Path) -> None:
    manifest = load_specialist(
        named(parts, 'pair_f1 = {how = "f1", of = "pairs"}\nexact = {how = "exact"}\nall = {how = "fields"}')
    ).manifest
    found = {"exact": 1.0, "all": 2.0, "pair_f1": 3.0}
    measured = Measured(
        data="x", date="x", n=1, metrics=found, intervals={}, valid_share=1, tokens_in=1, tokens_out=1, jobs_per_s=1,
        device="x",
    )  # fmt: skip
    other = measured.model_copy(update={"metrics": {"of_its_own": 5.0}})

    assert Entry("parts", manifest, Facts(measured=measured), []).metrics() == ["pair_f1", "exact"]
    assert Entry("parts", manifest, Facts(measured=other), []).metrics() == ["of_its_own"]
