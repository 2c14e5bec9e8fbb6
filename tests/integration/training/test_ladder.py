"""The whole ladder in seconds: a folder that names no model gets the smallest one that does its job."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.examples import Example
from specialists.manifest import LINEAR
from specialists.measuring.card import CARD
from specialists.measuring.facts import Facts
from specialists.specialist import Specialist, load_specialist
from specialists.training.course import TrainingError
from specialists.training.ladder.climb import Job, Ladder, Score
from specialists.training.ladder.rung import RUNGS, Rung
from specialists.training.ladder.settle import Settled, climb_and_install
from specialists.training.ladder.split import split
from workers.engines import EngineError
from workers.engines.load import load_engines
from workers.measuring.evaluate import evaluate_here
from workers.measuring.rung_score import rung_score

SETTINGS = Settings(threads=1)
WORDS = {"fruit": ("apple", "pear", "plum"), "animal": ("dog", "horse", "owl"), "tool": ("saw", "hammer", "pliers")}
EXAMPLES = [
    Example({"text": f"{before} {word} {n}"}, {"kind": kind})
    for kind, words in WORDS.items()
    for word in words
    for n, before in enumerate(("I saw a", "there is one", "give me the", "where is my", "no", "an old"))
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of random weights with the real tokenizer."""
    real = ensure("smollm2-135m", SETTINGS.weights)
    folder = tmp_path_factory.mktemp("base")
    config = AutoConfig.from_pretrained(
        real, hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=24,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(real).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def thing(tmp_path: Path) -> Specialist:
    """A newcomer's folder: a manifest of four lines, and two schemas."""
    folder = tmp_path / "thing"
    folder.mkdir()
    said = {"name": "thing", "version": "1.0.0", "description": "Says what a text is of.", "engine": "transformers"}
    (folder / "specialist.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items()))
    for name, properties in (
        ("input", {"text": {"type": "string", "minLength": 1, "maxLength": 200}}),
        ("output", {"kind": {"enum": sorted(WORDS)}}),
    ):
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        (folder / f"{name}.schema.json").write_text(json.dumps({**schema, "additionalProperties": False}))
    return load_specialist(folder)


def job_of(specialist: Specialist, out: Path, rungs: tuple[Rung, ...] = RUNGS[:1], minutes: float = 1.0) -> Job:
    taught, dev = split(EXAMPLES, specialist.output_schema)
    return Job(specialist, taught, dev, "things.jsonl", out, SETTINGS.weights, 1, minutes, rungs)


def climbed(job: Job, pick: str | None = None, with_dev: bool = False) -> Settled:
    return climb_and_install(
        job, lambda each, dev: rung_score(each, dev, SETTINGS), print, picked=pick, with_dev=with_dev, installs=True
    )


def test_a_folder_without_a_model_loads_and_says_what_to_do(thing: Specialist) -> None:
    assert thing.manifest.is_bare
    assert not thing.manifest.trained
    with pytest.raises(EngineError, match="run `manyhands train thing`"):
        load_engines([thing], SETTINGS)


def test_the_smallest_model_that_does_it_is_installed_and_served(thing: Specialist, tmp_path: Path) -> None:
    settled = climbed(job_of(thing, tmp_path / "out", RUNGS))
    assert [row.name for row in settled.rows] == [rung.name for rung in RUNGS]
    assert [row.name for row in settled.rows if row.picked] == ["linear"]
    assert all(row.left_out for row in settled.rows[1:]), "with so few to measure on none could be told from it"
    installed = load_specialist(thing.folder)
    assert installed.manifest.base
    assert installed.manifest.base.name == LINEAR
    assert installed.prompt == "Text: {{text}}\nKind:"
    found = evaluate_here(installed, EXAMPLES, SETTINGS)
    assert found.valid_share == 100
    assert found.metrics["accuracy"] > 90
    assert all(answer.probability and 0 < answer.probability <= 1 for answer in found.answers)
    assert "| **linear** |" in (thing.folder / CARD).read_text()
    assert Facts.load(thing.folder).ladder == tuple(settled.rows)


def test_a_rung_can_be_picked_by_name_and_learns_the_development_examples_too(
    thing: Specialist, base: str, tmp_path: Path
) -> None:
    tiny = Rung("tiny", base, 1.0, layers=1, recipe={"epochs": 2.0, "batch": 8, "rate": 1e-2, "rank": 4})
    job = job_of(thing, tmp_path / "out", (*RUNGS[:1], tiny))
    settled = climbed(job, pick="tiny", with_dev=True)
    assert [row.name for row in settled.rows] == ["tiny"]
    installed = load_specialist(thing.folder)
    assert installed.manifest.head
    assert installed.manifest.head.layers == 1
    trained = Facts.load(thing.folder).trained
    assert trained
    assert trained.examples == len(job.examples) + len(job.dev) == len(EXAMPLES)
    with pytest.raises(TrainingError, match="no rung 'huge' for this output; there are: linear, tiny"):
        climbed(job, pick="huge")


def test_what_was_tried_is_not_tried_again_and_two_seeds_tell_luck_from_gain(
    thing: Specialist, base: str, tmp_path: Path
) -> None:
    recipe = {"epochs": 1.0, "batch": 8, "rate": 1e-2, "rank": 4}
    job = job_of(thing, tmp_path / "out", (Rung("one", base, 1.0, layers=1, recipe=recipe),))
    asked: list[str] = []

    def measure(specialist: Specialist, dev: object) -> Score:
        asked.append(specialist.folder.parent.name)
        return Score("accuracy", 50.0 + len(asked), (40.0, 60.0), 50.0, 10.0, 100.0)

    [row] = Ladder(job, measure, print).climb()
    assert asked == ["one", "one-seed8"]
    assert row.scores == (51.0, 52.0)
    assert Ladder(job, measure, print).climb() == [row]
    assert asked == ["one", "one-seed8"], "the second call found everything on disk"
    others = replace(job, examples=job.examples[1:])
    assert Ladder(others, measure, print).climb() != [row]


def test_a_run_ends_when_its_time_is_over(thing: Specialist, base: str, tmp_path: Path) -> None:
    recipe = {"epochs": 1000.0, "batch": 8, "rate": 1e-3, "rank": 4}
    job = job_of(thing, tmp_path / "out", (Rung("long", base, 1.0, layers=1, recipe=recipe),), minutes=0.1)
    [row] = Ladder(job, lambda each, dev: rung_score(each, dev, SETTINGS), print).climb()
    lines = (tmp_path / "out" / "long" / "run" / "train.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["step"] + 1 < last["of"]
    assert "dev_exact" in last
    assert row.scores
