"""Heads learn on a small base, and what they have learnt is served: a label, several, a score, spans."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import equal

from infra.settings import Settings
from specialists.examples import Example
from specialists.manifest import Recipe
from specialists.specialist import ADAPTER, Specialist, SpecialistError, load_specialist
from specialists.training import course
from specialists.training.course import CHECKPOINT, LOG, Options, TrainingError
from specialists.training.heads.train import train_head
from specialists.training.run import train_specialist
from tests.integration.heads.given import (
    BILL,
    FORM,
    MOOD,
    NAMES,
    STARS,
    TOPICS,
    bills,
    forms,
    moods,
    names,
    specialist,
)
from workers.measuring.evaluate import Evaluation, evaluate_here

OPTIONS = Options(epochs=20, batch=8, rate=2e-2, rank=4, alpha=8, checkpoint_every=5)
RECIPE = Recipe(epochs=30, batch=8, rate=1e-2, rank=4)
SETTINGS = Settings()


def trained(found: Specialist, examples: list[Example], tmp_path: Path, **options: Any) -> Specialist:
    """By the command's own way, installed in the folder."""
    given: dict[str, Any] = {"count": None, "start": None, "base": None, "threads": 1, "install": True} | options
    train_specialist(
        found, examples, "own", tmp_path / "run", RECIPE, weights=SETTINGS.weights, say=print, dev=examples, **given
    )
    return load_specialist(found.folder)


def evaluated(found: Specialist, examples: list[Example]) -> Evaluation:
    return evaluate_here(found, examples, SETTINGS)


def test_a_label_is_learnt_and_served_with_its_probability(bert: Path, tmp_path: Path) -> None:
    mood = trained(specialist(tmp_path / "mood", bert, MOOD, 'kind = "label"'), moods(), tmp_path)

    found = evaluated(mood, moods())

    assert (found.valid_share, found.metrics["accuracy"]) == (100, 100)
    assert all(probability > 0.5 for probability, _ in found.judged)
    assert found.tokens_out == 0


def test_labels_of_a_list_are_learnt(bert: Path, tmp_path: Path) -> None:
    sets: tuple[list[str], ...] = (["tea"], ["rain", "work"], [], ["tea", "rain", "work"])
    examples = [Example({"text": f"about {' and '.join(each) or 'none'}"}, {"topics": each}) for each in sets * 10]
    topics = trained(specialist(tmp_path / "topics", bert, TOPICS, 'kind = "labels"'), examples, tmp_path)

    assert evaluated(topics, examples).metrics["exact"] == 100


def test_a_score_is_learnt_within_its_bounds(bert: Path, tmp_path: Path) -> None:
    words = ("awful", "poor", "fair", "good", "superb")
    examples = [Example({"text": f"it is {words[n % 5]}"}, {"stars": 1 + n % 5}) for n in range(20)]
    stars = trained(specialist(tmp_path / "stars", bert, STARS, 'kind = "score"'), examples, tmp_path)

    found = evaluated(stars, examples)

    assert found.valid_share == 100
    assert found.metrics["exact"] >= 80


def test_spans_and_a_label_are_learnt_together(llama: Path, tmp_path: Path) -> None:
    told = trained(specialist(tmp_path / "told", llama, NAMES, 'kind = "tags"'), names(), tmp_path)

    found = evaluated(told, names())

    assert (found.valid_share, found.metrics["exact"]) == (100, 100)


@pytest.mark.parametrize("base", ["bert", "llama"])
def test_a_mask_is_learnt_with_blanks_and_empty_parts(
    base: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    found = specialist(tmp_path / "form", request.getfixturevalue(base), FORM, 'kind = "tags"')
    form = trained(found, forms(), tmp_path)
    own = Example({"text": "port\u00a07 of host\u00a010 is up"}, {"form": "port\u00a0<*> of host\u00a0<*> is up"})

    examples = [*forms(), own]

    assert [each.output for each in evaluated(form, examples).answers] == [each.output for each in examples]


def test_spans_are_told_in_the_callers_own_text(llama: Path, tmp_path: Path) -> None:
    told = trained(specialist(tmp_path / "told", llama, NAMES, 'kind = "tags"'), names(), tmp_path)
    own = {"text": "Grace\u00a0Hopper is glad in York.\r\n"}
    expected = [{"kind": "person", "name": "Grace\u00a0Hopper"}, {"kind": "town", "name": "York"}]

    [answer] = evaluated(told, [Example(own, {"mood": "glad", "names": expected})]).answers

    assert answer.output == {"mood": "glad", "names": expected}


def test_words_of_a_text_are_read_across_its_lines_one_span_a_field(llama: Path, tmp_path: Path) -> None:
    bill = trained(specialist(tmp_path / "bill", llama, BILL, 'kind = "tags"'), bills(), tmp_path)
    own = {"text": "Tea House\r\nHigh\u00a0St,\r\n\r\nOslo\r\nsum 7.50\r\ncash  7.50"}

    found = evaluated(bill, bills())
    [answer] = evaluated(bill, [Example(own, {"shop": "", "address": "", "total": ""})]).answers

    assert found.valid_share == 100
    assert found.metrics["exact"] >= 90
    assert answer.output == {"shop": "Tea House", "address": "High St, Oslo", "total": "7.50"}


def test_an_untrained_head_gives_a_text_to_a_field_that_needs_one(llama: Path, tmp_path: Path) -> None:
    bill = specialist(tmp_path / "bill", llama, BILL, 'kind = "tags"')

    [answer] = evaluated(bill, bills(1)).answers

    assert answer.output is not None
    assert answer.output["shop"]
    assert answer.output["address"] == ""


def test_a_head_abstains_from_what_is_unlike_all_that_it_was_taught(bert: Path, tmp_path: Path) -> None:
    odd = [Example({"text": f"invoice {n} kilowatt turbine"}, {"mood": "unknown"}) for n in range(12)]
    mood = specialist(tmp_path / "mood", bert, MOOD, 'kind = "label"')
    train_specialist(
        mood, moods(), "own", tmp_path / "run", RECIPE, count=None, start=None, base=None, weights=SETTINGS.weights,
        threads=1, install=True, say=print, dev=[*moods(), *odd], abstain=0.02,
    )  # fmt: skip
    mood = load_specialist(mood.folder)
    others = [Example({"text": f"invoice {n} kilowatt turbine"}, {"mood": "unknown"}) for n in range(100, 112)]

    assert mood.manifest.head
    assert mood.manifest.head.abstain_below
    assert evaluated(mood, moods()).metrics["accuracy"] >= 90
    assert evaluated(mood, others).metrics["accuracy"] >= 90


def test_a_run_that_was_cut_off_ends_with_the_weights_of_an_unbroken_one(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mood = specialist(tmp_path / "mood", bert, MOOD, 'kind = "label"')
    whole = train_head(mood, moods(), bert, tmp_path / "whole", OPTIONS, print, moods(), 1)
    step, calls = course.Course._step, 0

    def cut_off(*args: Any) -> float:
        nonlocal calls
        calls += 1
        if calls == 13:
            raise KeyboardInterrupt
        return step(*args)

    monkeypatch.setattr(course.Course, "_step", cut_off)
    with pytest.raises(KeyboardInterrupt):
        train_head(mood, moods(), bert, tmp_path / "parts", OPTIONS, print, moods(), 1)
    assert (tmp_path / "parts" / CHECKPOINT).exists()
    again = train_head(mood, moods(), bert, tmp_path / "parts", OPTIONS, print, moods(), 1)

    one, other = load_file(whole.path), load_file(again.path)
    assert all(equal(one[name], other[name]) for name in one)
    steps = [json.loads(line)["step"] for line in (tmp_path / "parts" / LOG).read_text().splitlines()]
    assert steps == list(range(OPTIONS.steps(36)))


def test_a_checkpoint_of_another_run_is_refused(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mood, out = specialist(tmp_path / "mood", bert, MOOD, 'kind = "label"'), tmp_path / "out"
    monkeypatch.setattr(course.Course, "_look", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train_head(mood, moods(), bert, out, replace(OPTIONS, checkpoint_every=1, looks=2), print, moods(), 1)
    assert (out / CHECKPOINT).exists()

    with pytest.raises(TrainingError, match="other examples, options or base"):
        train_head(mood, moods(30), bert, out, OPTIONS, print, moods(), 1)


def test_examples_whose_spans_are_not_in_the_text_are_left_out_and_told(llama: Path, tmp_path: Path) -> None:
    told = specialist(tmp_path / "told", llama, NAMES, 'kind = "tags"')
    wrong = Example({"text": "nobody"}, {"mood": "sad", "names": [{"kind": "town", "name": "Rome"}]})
    said: list[str] = []

    train_head(told, [*names(), wrong], llama, tmp_path / "out", replace(OPTIONS, epochs=0.3), said.append, (), 1)

    assert "1 of 33 examples left out: the output cannot be read off the input" in said
    with pytest.raises(TrainingError, match="can learn none of the 1 examples"):
        train_head(told, [wrong], llama, tmp_path / "none", OPTIONS, print, (), 1)


def test_examples_whose_masks_are_of_another_text_are_left_out_and_told(bert: Path, tmp_path: Path) -> None:
    form = specialist(tmp_path / "form", bert, FORM, 'kind = "tags"')
    wrong = Example({"text": "port 7 is up"}, {"form": "host <*> is up"})
    said: list[str] = []

    train_head(form, [*forms(), wrong], bert, tmp_path / "out", replace(OPTIONS, epochs=0.3), said.append, (), 1)

    assert "1 of 26 examples left out: the output cannot be read off the input" in said


def test_a_text_that_may_be_cut_has_no_mask_read_off_it(bert: Path, tmp_path: Path) -> None:
    form = specialist(tmp_path / "form", bert, FORM, 'kind = "tags"')
    path = form.folder / "specialist.toml"
    path.write_text(path.read_text() + 'cut = "text"\n')

    with pytest.raises(SpecialistError, match="'text' cannot be cut: a head reads its whole text for 'x-mask-of'"):
        load_specialist(form.folder)


def test_words_whose_punctuation_is_not_that_of_the_text_are_learnt_too(llama: Path, tmp_path: Path) -> None:
    bill = specialist(tmp_path / "bill", llama, BILL, 'kind = "tags"')
    copied = Example({"text": "Tea House\nHigh St.\nOslo\n7.50"},
                     {"shop": "Tea House", "address": "High St, Oslo", "total": "7.50"})  # fmt: skip
    foreign = Example(copied.input, {**copied.output, "address": "Low St, Rome"})
    said: list[str] = []

    train_specialist(
        bill, [copied] * 3 + [foreign], "own", tmp_path / "run", RECIPE.model_copy(update={"epochs": 0.1}), count=None,
        start=None, base=None, weights=SETTINGS.weights, threads=1, install=False, say=said.append,
    )  # fmt: skip

    assert [each for each in said if "left out" in each] == [
        "1 of 4 examples left out: the output cannot be read off the input"
    ]


@pytest.mark.parametrize(
    ("options", "fault"),
    [({"search_first": True}, "--search are for answers that are written"), ({"abstain": 0.1}, "abstain_as = 'none'")],
)
def test_options_that_a_head_cannot_have_are_refused_before_training(
    bert: Path, tmp_path: Path, options: dict[str, Any], fault: str
) -> None:
    mood = specialist(tmp_path / "mood", bert, MOOD, 'kind = "label"\nabstain_as = "none"')

    with pytest.raises(TrainingError, match=fault):
        trained(mood, moods(), tmp_path, **options)


def test_an_installed_head_is_pinned_in_the_manifest(bert: Path, tmp_path: Path) -> None:
    mood = trained(specialist(tmp_path / "mood", bert, MOOD, 'kind = "label"'), moods(), tmp_path)

    assert mood.manifest.adapter
    assert mood.manifest.training == RECIPE
    (mood.folder / ADAPTER).write_bytes(b"other")
    with pytest.raises(SpecialistError, match="the manifest pins"):
        load_specialist(mood.folder)
