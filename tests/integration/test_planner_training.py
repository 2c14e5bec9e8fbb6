"""Training the planner, on its real base: it learns, goes on where it stopped, and what it makes plans and installs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from safetensors.torch import load_file
from torch import allclose

from infra.settings import Settings
from specialists.catalog import SHIPPED
from specialists.heads.encoder import Embedder, Scorer, metadata_of
from specialists.planning.calibration import Calibration
from specialists.planning.texts import TASKS, WANTS
from specialists.specialist import load_specialist
from specialists.training.planning.calibrating import CalibratingError
from specialists.training.planning.epochs import Epochs
from specialists.training.planning.fitting import CHECKPOINT, LOG, FittingError, Options, fit
from specialists.training.planning.measuring import Outcome, measure
from specialists.training.planning.offers import Offers
from specialists.training.planning.readers import load_planner
from specialists.training.planning.run import calibrated, held_out_cases, install_adapter, rewrite
from specialists.training.planning.sets import load_set
from specialists.training.planning.wants_layer import fit_wants, wanting
from specialists.training.planning.writing import FOLDER, load_writing
from specialists.weights import ensure

OPTIONS = Options(steps=3, checkpoint_every=2, batch_tokens=600, log_every=1)
WRITING = load_writing()
OFFERS = Offers(WRITING)


@pytest.fixture(scope="module")
def base() -> Path:
    return ensure("all-minilm-l6-v2", Settings().weights)


@pytest.fixture(scope="module")
def train(base: Path) -> Callable[..., Path]:
    """Three steps on forty goals, with a look at two others."""
    goals = Random(1).sample(list(WRITING.learnt().goals), 40)
    epochs = Epochs(replace(WRITING, types=(), goals=goals, asks=(), values=()), OFFERS)
    looked_at = held_out_cases(WRITING, OFFERS, most=2)

    def train(out: Path, say: Callable[[str], None] = print, options: Options = OPTIONS) -> Path:
        return fit(epochs.epoch, looked_at, base, out, options, say)

    return train


@pytest.fixture(scope="module")
def adapter(train: Callable[..., Path], base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the layer for what goals want beside the encoder's heads."""
    path = train(tmp_path_factory.mktemp("planner"))
    rows = [wanting(goal, OFFERS) for goal in WRITING.learnt().goals[:200]]
    rewrite(path, fit_wants(rows, Embedder.load(base)).tensors())
    return path


def steps(out: Path) -> list[int]:
    """Of the log's lines about learning, in order."""
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    return [line["step"] for line in lines if "losses" in line]


def test_every_step_is_logged_and_every_head_has_a_loss_and_is_looked_at(adapter: Path) -> None:
    lines = [json.loads(line) for line in (adapter.parent / LOG).read_text().splitlines()]
    assert steps(adapter.parent) == [1, 2, 3]
    assert lines[-2]["losses"].keys() == {"wants", "type", "part", "bind", "plan"}
    assert lines[-1]["look"].keys() == {"wants", "type", "part", "bind", "plan"}


def test_what_was_trained_plans(base: Path, adapter: Path) -> None:
    figures = measure(load_planner(base, adapter).plan, load_set("test", limit=2))
    assert figures.all.total() == 2
    without = measure(load_planner(base, adapter, ["plan", "type"]).plan, load_set("held-out", limit=1))
    assert sum(without.all[each] for each in Outcome) == 1


def test_the_layer_for_wants_tells_what_it_was_taught(base: Path, adapter: Path) -> None:
    scorer = Scorer.load(base, adapter, TASKS)
    taught = [wanting(goal, OFFERS) for goal in WRITING.learnt().goals[:200]]
    counted = [scorer.wants(row.goal, row.shape)[WANTS.index("count")] > 0 for row in taught]
    right = [said == row.wants[WANTS.index("count")] for said, row in zip(counted, taught, strict=True)]
    assert sum(right) / len(right) > 0.9
    assert any(counted)


def test_an_interrupted_run_goes_on_where_it_stopped(train: Callable[..., Path], adapter: Path, tmp_path: Path) -> None:
    said: list[str] = []

    def stop(text: str) -> None:
        if "step 2, held out" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, stop)
    assert (tmp_path / CHECKPOINT).exists()
    with pytest.raises(FittingError, match="of a run with other options"):
        train(tmp_path, options=replace(OPTIONS, rate=1e-3))
    again = train(tmp_path, said.append)
    assert said[0] == "planner: goes on at step 2 of 3"
    assert steps(tmp_path) == [1, 2, 3]
    unbroken = load_file(adapter)
    # Vectors of texts are made in other batches, which differ in the last digit.
    assert all(allclose(tensor, unbroken[name], atol=2e-3) for name, tensor in load_file(again).items())


def test_an_adapter_is_installed_with_its_calibration(base: Path, adapter: Path, tmp_path: Path) -> None:
    shutil.copy(adapter, tmp_path / adapter.name)
    shutil.copytree(SHIPPED / "planner", tmp_path / "planner", ignore=shutil.ignore_patterns("writing"))
    rewrite(tmp_path / adapter.name, {}, Calibration(ask_below=0.4).metadata())
    installed = install_adapter(load_specialist(tmp_path / "planner", adapters=False), tmp_path / adapter.name)

    planner = load_specialist(tmp_path / "planner")
    assert planner.adapter_path == installed
    assert Calibration.read(metadata_of(installed)).ask_below == 0.4
    load_planner(base, installed)


def test_too_few_goals_calibrate_nothing(base: Path, adapter: Path) -> None:
    with pytest.raises(CalibratingError, match="too few or too much alike"):
        calibrated(base, adapter, FOLDER, limit=1)
