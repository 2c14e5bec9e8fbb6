"""Training the planner, on its real base: it learns, goes on where it stopped, and what it makes plans and installs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from safetensors.torch import load_file
from torch import allclose, equal, set_flush_denormal

from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.catalog import SHIPPED
from specialists.heads.encoder import metadata_of
from specialists.heads.matcher import Kept, Scorer, base_of
from specialists.planning.offers.offer import read_offer
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.reading.shape import shape_of
from specialists.planning.words.texts import TASKS, WANTS, known
from specialists.specialist import load_specialist
from specialists.training.planning.calibration.calibration import CalibratingError
from specialists.training.planning.cases.epochs import Epochs
from specialists.training.planning.heads.adapter import CHECKPOINT, LOG, FittingError, Options, fit
from specialists.training.planning.heads.goal_layer import NEVER, fit_goal_layer
from specialists.training.planning.run import calibrated, held_out_cases, install_adapter, rewrite
from specialists.training.planning.sets.outcomes import Outcome, measure
from specialists.training.planning.sets.readers import PARTS, load_planner
from specialists.training.planning.sets.sets import load_set
from specialists.training.planning.writing.offers import Offers
from specialists.training.planning.writing.writing import FOLDER, SHIPPED_DOMAIN, WrittenGoal, load_writing

OPTIONS = Options(epochs=1.0, steps=3, checkpoint_every=2, batch_characters=2500, log_every=1)
WRITING = load_writing()
OFFERS = Offers(WRITING)
TAUGHT = [*WRITING.learnt().goals[:100], *[g for g in WRITING.learnt().goals if g.domain == SHIPPED_DOMAIN][:60]]


@pytest.fixture(scope="module", autouse=True)
def _small_numbers() -> Iterator[None]:
    """Training has its process take the smallest numbers for 0, which a later test in this process must not meet."""
    yield
    set_flush_denormal(False)


@pytest.fixture(scope="module")
def base() -> Path:
    return ensure("all-minilm-l6-v2", Settings().weights)


@pytest.fixture(scope="module")
def kept(base: Path) -> Kept:
    return base_of(base)


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
def adapter(train: Callable[..., Path], kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the layer over whole goals beside what the matcher learnt."""
    path = train(tmp_path_factory.mktemp("planner"))
    head = fit_goal_layer(replace(WRITING, types=(), goals=TAUGHT, asks=WRITING.asks[:20], values=()), OFFERS, kept)
    rewrite(path, head.tensors(), head.metadata())
    return path


def steps(out: Path) -> list[int]:
    """Of the log's lines about learning, in order."""
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    return [line["step"] for line in lines if "losses" in line]


def test_every_step_is_logged_and_every_task_has_a_loss_and_is_looked_at(adapter: Path) -> None:
    lines = [json.loads(line) for line in (adapter.parent / LOG).read_text().splitlines()]
    assert steps(adapter.parent) == [1, 2, 3]
    assert lines[-2]["losses"].keys() == {"type", "part", "bind"}
    assert lines[-1]["look"].keys() == {"type", "part", "bind"}
    assert all(0 <= share <= 100 for look in lines[-1]["look"].values() for share in look.values())


def test_what_was_trained_plans(base: Path, adapter: Path) -> None:
    figures = measure(load_planner(base, adapter).plan, load_set("test", limit=2))
    assert figures.all.total() == 2
    without = measure(load_planner(base, adapter, PARTS).plan, load_set("held-out", limit=1))
    assert sum(without.all[each] for each in Outcome) == 1


def test_the_tasks_and_the_encoder_learn(adapter: Path) -> None:
    tensors = load_file(adapter)
    ups = [tensor for name, tensor in tensors.items() if name.endswith("qkv.up")]
    assert ups
    assert all(tensor.abs().sum() > 0 for tensor in ups)  # a change begins as none
    weights = {name: tensor for name, tensor in tensors.items() if name.startswith("weights.of_")}
    assert weights.keys() == {f"weights.of_{task}" for task in TASKS}
    assert not all(equal(tensor, weights["weights.of_type"]) for tensor in weights.values())


def said_of(scorer: Scorer, goal: WrittenGoal) -> dict[str, float]:
    request = OFFERS.request(goal, OFFERS.plain(goal))
    return scorer.of_goal(request.goal, request.words, shape_of(request))


def test_the_layer_over_goals_tells_what_it_was_taught(base: Path, adapter: Path) -> None:
    scorer = Scorer.load(base, adapter, TASKS)
    counted = [said_of(scorer, goal)["count"] > 0 for goal in TAUGHT]
    wanted = [any(step["type"] == "count" for step in goal.steps or []) for goal in TAUGHT]
    right = [said == truth for said, truth in zip(counted, wanted, strict=True)]
    assert sum(right) / len(right) > 0.9
    assert any(counted)


def test_the_layer_over_goals_knows_the_job_types_that_ship_as_they_are_described(base: Path, adapter: Path) -> None:
    scorer = Scorer.load(base, adapter, TASKS)
    shipped = {offer["name"]: known(read_offer(offer)) for offer in OFFERS.models}
    goals = [goal for goal in TAUGHT if goal.domain == SHIPPED_DOMAIN and goal.steps]
    assert goals
    right = 0
    for goal in goals:
        said = said_of(scorer, goal)
        assert said.keys() == {*WANTS, *shipped.values()}
        used = {step["type"] for step in goal.steps or []} & shipped.keys()
        right += all((said[name] > 0) == (type in used) for type, name in shipped.items())
    assert right / len(goals) > 0.7


def test_what_hardly_any_goal_wants_is_never_wanted(kept: Kept) -> None:
    few = replace(WRITING, types=(), goals=[g for g in TAUGHT if g.steps][:20], asks=(), values=())
    head = fit_goal_layer(few, OFFERS, kept)
    vector = kept.means(["count"])[0]
    said = head.numbers("nothing does this", vector, vector, [0, 0, 0, 0])
    assert said["impossible"] == NEVER


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
    assert all(allclose(tensor, unbroken[name], atol=2e-3) for name, tensor in load_file(again).items())


def test_an_adapter_is_installed_with_its_calibration(base: Path, adapter: Path, tmp_path: Path) -> None:
    shutil.copy(adapter, tmp_path / adapter.name)
    shutil.copytree(SHIPPED / "planner", tmp_path / "planner", ignore=shutil.ignore_patterns("writing"))
    kept = metadata_of(adapter)
    rewrite(tmp_path / adapter.name, {}, {**kept, **Calibration(ask_below=0.4).metadata()})
    installed = install_adapter(load_specialist(tmp_path / "planner", adapters=False), tmp_path / adapter.name)

    planner = load_specialist(tmp_path / "planner")
    assert planner.adapter_path == installed
    assert Calibration.read(metadata_of(installed)).ask_below == 0.4
    load_planner(base, installed)


def test_too_few_goals_calibrate_nothing(base: Path, adapter: Path) -> None:
    with pytest.raises(CalibratingError, match="too few or too much alike"):
        calibrated(base, adapter, FOLDER, limit=1)


def test_an_adapter_is_rewritten_with_all_that_it_had(adapter: Path, tmp_path: Path) -> None:
    again = tmp_path / adapter.name
    shutil.copy(adapter, again)
    rewrite(again, {}, {"made": "here"})
    assert metadata_of(again) == {"made": "here"}
    assert load_file(again).keys() == load_file(adapter).keys()
    assert [path.name for path in tmp_path.iterdir()] == [again.name]
