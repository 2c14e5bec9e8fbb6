"""One training run of the planner: from the writing to a calibrated adapter, which may be installed. Plans nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file, save_file

from specialists.bases.weights import ensure
from specialists.heads.encoder import Shape
from specialists.heads.matcher import Scorer, base_of
from specialists.manifest_text import ManifestTextError, with_table
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.words.texts import TASKS
from specialists.specialist import ADAPTER, Specialist
from specialists.training.planning.calibration.calibration import calibrate
from specialists.training.planning.cases.epochs import Epochs, Shares
from specialists.training.planning.cases.examples import Case, GoalCases
from specialists.training.planning.heads.adapter import CHECKPOINT, FittingError, Options, fit
from specialists.training.planning.heads.goal_layer import fit_goal_layer
from specialists.training.planning.sets.sets import load_set
from specialists.training.planning.writing.offers import Offers
from specialists.training.planning.writing.writing import Writing, load_writing

#: How many held-out goals are looked at during training.
LOOKED_AT = 120
#: The sets that the planner is calibrated on.
CALIBRATED_ON = ("held-out", "held-out-shipped")


def train_planner(
    specialist: Specialist,
    folder: Path,
    out: Path,
    options: Options,
    *,
    weights: Path,
    threads: int | None,
    install: bool,
    say: Callable[[str], None],
    shares: Shares | None = None,
) -> Path:
    """Train on the writing in `folder`; return the adapter's path. Its calibration is in the file's metadata.

    After an interruption the same call goes on where it stopped. It raises FittingError, CalibratingError, WritingError
    and WeightsError.
    """
    if specialist.manifest.base is None:
        raise FittingError(f"{specialist.name!r} names no base")
    base = ensure(specialist.manifest.base.name, weights, say, specialist.manifest.base.sha256)
    torch.set_num_threads(threads or os.cpu_count() or 1)
    writing = load_writing(folder)
    offers = Offers(writing)
    epochs = Epochs(writing.learnt(), offers, shares)
    adapter = fit(epochs.epoch, held_out_cases(writing, offers), base, out, options, say)
    say("fitting the layer over whole goals")
    head = fit_goal_layer(writing.learnt(), offers, base_of(base))
    rewrite(adapter, head.tensors(), head.metadata())
    say(f"calibrating on {' and '.join(CALIBRATED_ON)}")
    rewrite(adapter, {}, {**head.metadata(), **calibrated(base, adapter, folder).metadata()})
    (out / CHECKPOINT).unlink(missing_ok=True)  # the same command again is a new run
    return install_adapter(specialist, adapter) if install else adapter


def held_out_cases(writing: Writing, offers: Offers, most: int = LOOKED_AT) -> list[Case]:
    """The cases of some goals of held-out writers, with their right answers."""
    draw = Random(3)
    goals = list(writing.held_out().goals)
    cases = GoalCases(offers)
    return [case for goal in draw.sample(goals, min(most, len(goals))) for case in cases.whole(goal, draw)]


def calibrated(base: Path, adapter: Path, folder: Path, limit: int | None = None) -> Calibration:
    """Calibrate on the held-out sets in `folder`; `limit`: goals of each set. It raises CalibratingError."""
    sets = [load_set(name, folder, limit) for name in CALIBRATED_ON]
    return calibrate(Scorer.load(base, adapter, TASKS), *sets)


def rewrite(adapter: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Add or replace tensors in the file, and replace its metadata."""
    scratch = adapter.with_suffix(".new")  # loaded tensors may still be read from the old file
    save_file(load_file(adapter) | dict(tensors), scratch, dict(metadata or {}))
    scratch.replace(adapter)


def install_adapter(specialist: Specialist, adapter: Path) -> Path:
    """Put the adapter into the specialist's folder and pin it in the manifest. It raises FittingError."""
    shape, path = Shape(), specialist.folder / "specialist.toml"
    digest = hashlib.sha256(adapter.read_bytes()).hexdigest()
    try:
        pinned = {"sha256": digest, "rank": shape.rank, "alpha": shape.alpha}
        text = with_table(path.read_text(), "adapter", pinned)
    except ManifestTextError as error:
        raise FittingError(f"the adapter is in {adapter.parent}, not installed: {error}") from None
    shutil.copyfile(adapter, specialist.folder / ADAPTER)
    path.write_text(text)
    return specialist.folder / ADAPTER
