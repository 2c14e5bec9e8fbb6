"""Chaos with a real engine: `triage` on smollm2-135m, with kills slow enough that a new worker can load its model."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import tomlkit

from benchmarks.chaos.blows import Odds
from benchmarks.chaos.goals.goals import Asked, mapped
from benchmarks.chaos.goals.types import ATTEMPTS
from benchmarks.chaos.killing import Report, Round, torment
from benchmarks.chaos.processes.cluster import FAST
from benchmarks.engine.written import HERE as WRITTEN
from coordinator.local.up import fetch_weights
from infra.records import Json
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import EXAMPLES, read_examples
from workers.engines.load import load_engines
from workers.requests import request_for

TYPE = "sorts"  #: triage under another name and with more attempts, since workers die faster here than in practice
ITEMS = 20  #: jobs of a goal
ENDINGS = ("", " Please help.", " Thanks.", " It is urgent!", " What can I do?")

REAL = Round(
    jobs=200, seed=0, seconds=40, every_s=5, workers=2, coordinators=1, odds=Odds(3, 1, 1, again_s=0.5),
    given={**FAST, "lease_s": 5.0, "visibility_timeout_s": 8, "threads": 1},
)  # fmt: skip


def play_real(folder: Path, game: Round) -> Report:
    """Play a round with the real engine. It raises the errors of fetching the weights."""
    home = folder / "specialists"
    write_type(home)
    settings = Settings(_env_file=None, specialists=(home,))
    fetch_weights(settings)
    chance = Random(game.seed)
    answers = alone(settings, list(_texts()))
    asked = [_goal(answers, chance) for _ in range(game.jobs // ITEMS)]
    return torment(folder, game, chance, (TYPE,), asked)


def write_type(home: Path) -> None:
    source = WRITTEN / "triage"
    shutil.copytree(source, home / TYPE)
    manifest = home / TYPE / "specialist.toml"
    said = tomllib.loads(manifest.read_text())
    own = {"name": TYPE, "limits": said["limits"] | {"attempts": ATTEMPTS}}
    manifest.write_text(tomlkit.dumps(said | own))


def alone(settings: Settings, texts: list[str]) -> dict[str, Json]:
    """The engine's answer to each text in an undisturbed run."""
    specialist = load_catalog(settings.specialists).get(TYPE)
    engine = load_engines([specialist], settings)[TYPE]
    try:
        futures = {text: engine.submit(request_for(specialist, {"text": text}, text)) for text in texts}
        return {text: specialist.parse(future.result().text, {"text": text}) for text, future in futures.items()}
    finally:
        engine.close()


def _texts() -> Iterator[str]:
    examples = read_examples((WRITTEN / "triage") / EXAMPLES)
    return (example.input["text"] + ending for ending in ENDINGS for example in examples)


def _goal(answers: Mapping[str, Json], chance: Random) -> Asked:
    texts = chance.choices(list(answers), k=ITEMS)
    return mapped("real engine", TYPE, "text", texts, [answers[text] for text in texts])
