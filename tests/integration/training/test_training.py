"""Training, on a base of two small layers: it learns, resumes where it stopped, and installs what it made."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model_state_dict
from safetensors.torch import load_file
from torch import equal
from transformers import AutoTokenizer
from typer.testing import CliRunner

from benchmarks.engine.written import HERE as WRITTEN
from infra.cli import build
from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.examples import Example, read_examples
from specialists.manifest import Recipe
from specialists.specialist import Specialist, load_specialist
from specialists.training import lora
from specialists.training.batches import tokenise
from specialists.training.course import CHECKPOINT, LOG, Look, Options, TrainingError
from specialists.training.lora import train
from specialists.training.run import train_specialist
from specialists.training.search import RANKS, RATES, best_look, search
from tests.support.tiny import make_tiny

RECIPE = Recipe(epochs=1, batch=4, rate=2e-3, rank=4)
OPTIONS = Options(epochs=8, batch=4, rate=1e-2, rank=4, alpha=8, checkpoint_every=5)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of weights as training begins with: nearer to each other than engines' tests need them."""
    return make_tiny(tmp_path_factory.mktemp("base"), spread=0.02)


@pytest.fixture
def triage(tmp_path: Path) -> Specialist:
    shutil.copytree(WRITTEN / "triage", tmp_path / "triage")
    return load_specialist(tmp_path / "triage")


@pytest.fixture
def examples() -> list[Example]:
    return read_examples(WRITTEN / "triage" / "examples.jsonl")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in lines(folder)]


def test_the_loss_falls_and_no_checkpoint_is_left(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    train(triage, examples, base, tmp_path / "out", OPTIONS, print)
    found = losses(tmp_path / "out")
    assert len(found) == OPTIONS.steps(len(examples)) == 12
    assert sum(found[-3:]) < sum(found[:3])
    assert not (tmp_path / "out" / CHECKPOINT).exists()


def test_a_run_that_was_cut_off_ends_with_the_weights_of_an_unbroken_one(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(triage, examples, base, tmp_path / "whole", OPTIONS, print)
    learn, calls = lora._learn, 0

    def cut_off(*args: Any) -> float:
        nonlocal calls
        calls += 1
        if calls > 7:
            raise KeyboardInterrupt
        return learn(*args)

    with monkeypatch.context() as patch:
        patch.setattr(lora, "_learn", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train(triage, examples, base, tmp_path / "cut", OPTIONS, print)
    resumed = train(triage, examples, base, tmp_path / "cut", OPTIONS, print)
    first, second = load_file(whole), load_file(resumed)
    assert first.keys() == second.keys()
    assert all(equal(first[name], second[name]) for name in first)


def test_the_best_look_at_the_development_set_is_kept_and_a_run_that_gets_no_better_ends(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([Look(2.0, 50.0), Look(1.0, 60.0), *[Look(1.5, 55.0)] * 20])
    kept = []

    def look(model: object, *_: object) -> Look:
        kept.append({name: tensor.half() for name, tensor in get_peft_model_state_dict(model).items()})
        return next(looks)

    monkeypatch.setattr(lora, "_look", look)
    options = replace(OPTIONS, epochs=40)  # 60 steps, of which each sixth has a look
    found = load_file(train(triage, examples, base, tmp_path / "out", options, print, dev=examples))

    assert len(losses(tmp_path / "out")) == 6 * (2 + OPTIONS.patience)
    assert all(equal(found[name], tensor) for name, tensor in kept[1].items())
    assert not all(equal(found[name], tensor) for name, tensor in kept[-1].items())


def test_a_run_that_was_cut_off_looks_at_the_steps_at_which_an_unbroken_one_does(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(triage, examples, base, tmp_path / "whole", OPTIONS, print, dev=examples)
    look, calls = lora._look, 0

    def cut_off(*args: Any) -> Look:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return look(*args)

    with monkeypatch.context() as patch:
        patch.setattr(lora, "_look", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train(triage, examples, base, tmp_path / "cut", OPTIONS, print, dev=examples)
    resumed = train(triage, examples, base, tmp_path / "cut", OPTIONS, print, dev=examples)
    looked = [[line["step"] for line in lines(tmp_path / name) if "dev_loss" in line] for name in ("whole", "cut")]
    assert looked[0] == looked[1]
    assert 1 < len(looked[0]) < OPTIONS.looks
    assert all(equal(tensor, load_file(whole)[name]) for name, tensor in load_file(resumed).items())


def test_a_look_counts_the_answers_of_which_every_token_is_the_likeliest(
    triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    """By the adapter that ships, and by the base alone."""
    real, still = ensure("smollm2-135m", Settings().weights), Options(batch=8, rate=1e-9)
    for start, out in ((triage.adapter_path, tmp_path / "tuned"), (None, tmp_path / "base")):
        train(triage, examples[:1], real, out, still, print, start, dev=examples)

    tuned, untuned = (json.loads((tmp_path / name / LOG).read_text()) for name in ("tuned", "base"))
    assert tuned["dev_exact"] >= 100 * 5 / 6
    assert untuned["dev_exact"] == 0
    assert tuned["dev_loss"] < 0.5 < untuned["dev_loss"]


def test_a_search_takes_the_rank_and_rate_whose_run_looked_best(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    said: list[str] = []
    found = search(triage, examples, examples, base, tmp_path / "search", replace(OPTIONS, batch=2), said.append)

    looks = {path.name: best_look(path / LOG) for path in (tmp_path / "search").glob("rank*")}
    assert len(looks) == len(said) == len(RANKS) * len(RATES)
    best = min(looks, key=lambda name: looks[name].loss)
    assert best == f"rank{found.rank}-rate{found.rate:g}"
    assert (found.alpha, found.epochs) == (2 * found.rank, OPTIONS.epochs)
    again = search(triage, examples, examples, base, tmp_path / "search", replace(OPTIONS, batch=2), said.append)
    assert (again, len(said)) == (found, len(looks)), "what an interrupted run found is not looked for again"
    with pytest.raises(TrainingError, match="give --dev"):
        search(triage, examples, [], base, tmp_path, OPTIONS, said.append)


def test_a_second_run_into_the_same_folder_begins_its_log_anew(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    for _ in range(2):
        train(triage, examples, base, tmp_path / "out", OPTIONS, print)

    lines = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(12))
    assert lines[-1]["seconds"] >= lines[0]["seconds"] > 0


def test_a_prompt_is_cut_for_training_as_it_is_for_serving(base: Path, triage: Specialist) -> None:
    limits = triage.manifest.limits.model_copy(update={"input_tokens": 24, "cut": "text"})
    short = replace(triage, manifest=triage.manifest.model_copy(update={"limits": limits}))
    tokenizer = AutoTokenizer.from_pretrained(base)
    long = Example({"text": "my card is late " * 50}, {"intent": "card_arrival"})

    (found,) = tokenise(short, tokenizer, [long])

    assert len(found.prompt) == 24
    assert tokenizer.decode(found.prompt).endswith(triage.render({"text": "?"}).rsplit("?")[-1])
    assert tokenise(replace(short, manifest=triage.manifest), tokenizer, [long])[0].prompt != found.prompt


def test_a_checkpoint_of_other_examples_is_refused(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    torch.save({"step": 5, "run": "of something else"}, tmp_path / "out" / CHECKPOINT)
    with pytest.raises(TrainingError, match="of a run with other examples"):
        train(triage, examples, base, tmp_path / "out", OPTIONS, print)


def test_an_installed_adapter_is_pinned_and_carded(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    broken = Example({"text": "x"}, {"intent": "no such intent"})
    said: list[str] = []
    path = train_specialist(
        triage, [*examples, broken], "mine.jsonl", tmp_path / "out",
        RECIPE, count=None, start=None, base=str(base), weights=tmp_path, threads=None, install=True, say=said.append,
    )  # fmt: skip
    assert path == triage.folder / "adapter.safetensors"
    again = load_specialist(triage.folder)
    assert again.manifest.adapter
    assert again.manifest.adapter.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (again.manifest.adapter.rank, again.manifest.base and again.manifest.base.name) == (4, str(base))
    assert "mine.jsonl, 6 examples" in (triage.folder / "card.md").read_text()
    assert said[0].startswith("1 of 7 examples left out")
    assert again.manifest.training == RECIPE


def test_an_adapter_that_the_same_command_would_not_make_again_leaves_the_recipe_as_it_is(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    rest: Any = {"start": None, "base": str(base), "weights": tmp_path, "threads": None, "install": True, "say": print}
    train_specialist(triage, examples, "", tmp_path / "all", RECIPE, count=None, **rest)
    other = RECIPE.model_copy(update={"rate": 1e-3})
    train_specialist(load_specialist(triage.folder), examples, "", tmp_path / "few", other, count=4, **rest)
    assert load_specialist(triage.folder).manifest.training == RECIPE
    assert "[training]  # not of this adapter" in (triage.folder / "specialist.toml").read_text()


def test_what_cannot_be_pinned_is_not_installed(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    path = triage.folder / "specialist.toml"
    path.write_text(path.read_text() + "[limits\n")  # by somebody, while it is trained
    before = {each.name: each.read_bytes() for each in triage.folder.iterdir()}
    rest: Any = {"count": None, "start": None, "weights": tmp_path, "threads": None, "say": print}
    with pytest.raises(TrainingError, match="not installed: the manifest is no TOML"):
        train_specialist(triage, examples, "", tmp_path / "out", RECIPE, base=str(base), install=True, **rest)
    assert {each.name: each.read_bytes() for each in triage.folder.iterdir()} == before
    assert (tmp_path / "out" / "adapter.safetensors").exists()


def test_what_would_train_blind_or_break_in_the_middle_is_refused(
    base: Path, triage: Specialist, examples: list[Example], tmp_path: Path
) -> None:
    rest: Any = {"count": None, "base": str(base), "weights": tmp_path, "threads": None, "install": False, "say": print}
    out, foreign = tmp_path / "out", [Example({"words": "?"}, {"intent": "card_arrival"})]
    with pytest.raises(TrainingError, match="none of the 1 development examples fits the schemas"):
        train_specialist(triage, examples, "", out, RECIPE, start=None, dev=foreign, **rest)
    assert triage.adapter_path
    with pytest.raises(TrainingError, match="leave out one of the two"):
        train_specialist(triage, examples, "", out, RECIPE, start=triage.adapter_path, search_first=True, **rest)
    with pytest.raises(TrainingError, match="has rank 16, not 4: give --rank"):
        train_specialist(triage, examples, "", out, RECIPE, start=triage.adapter_path, **rest)


ORDER = """
name = "order"
version = "1.0.0"
description = "Tells what is ordered, and how it is to be paid and sent where the message says so."
engine = "transformers"
[base]
name = "{base}"
[decoding]
format = "lines"
max_tokens = 12
[measure]
fields = {{how = "fields"}}
exact = {{how = "exact"}}
"""
DRINKS, PAID, SENT = ("tea", "milk", "juice"), {"cash": "cash", "card": "by_card"}, {"post": "post", "van": "van"}


def order_folder(home: Path, base: Path) -> Path:
    folder = home / "order"
    folder.mkdir()
    fields = {"drink": {"enum": list(DRINKS)}, "paid": {"enum": list(PAID.values())}, "sent": {"enum": list(SENT)}}
    closed = {"type": "object", "additionalProperties": False}
    text = {"text": {"type": "string", "maxLength": 60}}
    (folder / "input.schema.json").write_text(json.dumps({**closed, "properties": text, "required": ["text"]}))
    (folder / "output.schema.json").write_text(json.dumps({**closed, "properties": fields, "required": ["drink"]}))
    (folder / "prompt.txt").write_text("{{text}} ->")
    (folder / "specialist.toml").write_text(ORDER.format(base=base))
    return folder


def orders() -> list[Example]:
    """Each drink, with and without a word of how it is paid and of how it is sent."""
    return [
        Example(
            {"text": " ".join(word for word in (drink, paid, sent) if word)},
            {"drink": drink, **({"paid": PAID[paid]} if paid else {}), **({"sent": SENT[sent]} if sent else {})},
        )
        for drink in DRINKS
        for paid in ("", *PAID)
        for sent in ("", *SENT)
    ]


def test_optional_fields_are_learned_and_what_was_learned_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = make_tiny(tmp_path / "base", spread=0.1)
    order, data = load_specialist(order_folder(tmp_path, base)), tmp_path / "orders.jsonl"
    recipe = Recipe(epochs=60, batch=9, rate=1e-2, rank=16)
    train_specialist(
        order, orders(), "orders", tmp_path / "out",
        recipe, count=None, start=None, base=str(base), weights=tmp_path, threads=1, install=True, say=print,
    )  # fmt: skip
    data.write_text("\n".join(json.dumps({"input": each.input, "output": each.output}) for each in orders()))
    monkeypatch.setenv("MANYHANDS_SPECIALISTS", json.dumps([str(tmp_path / "order")]))

    found = CliRunner().invoke(build(), ["eval", "order", "--data", str(data), "--json"])

    assert found.exit_code == 0, found.output
    measured = json.loads(found.stdout)
    assert measured["valid_share"] == 100
    assert measured["metrics"]["exact"] >= 80, "of 27 orders, of which 3 have no optional field and 12 have both"
