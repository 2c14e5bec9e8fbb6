"""Random plans: candidates over a made-up catalog, and the faults of each. Prints nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.planning.beliefs import made_beliefs
from benchmarks.planning.calibrations import made_calibration
from benchmarks.planning.catalogs import made_catalog
from benchmarks.planning.inputs import made_goal, made_inputs
from benchmarks.planning.reader import DigestReader
from benchmarks.planning.schemas import PLAIN, Chances, Json
from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import Limits, PlanRefused
from coordinator.plans.planner_input import planner_input
from coordinator.plans.samples import told_of
from specialists.catalog import Catalog
from specialists.planning.offers.request import read_request
from specialists.planning.planner import Planner
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.reading.reading import Reading
from specialists.planning.search.search import search

LIMITS = Limits(max_jobs=10_000, deadline_s=60, max_replans=2)
HOT = 4.0  #: the range of scores before the sigmoid: so little is certain that unlikely plans are searched too


@dataclass(frozen=True)
class Scene:
    """The request of one trial: catalog, inputs and goal."""

    seed: int
    catalog: Catalog
    inputs: Json
    goal: str


@dataclass(frozen=True)
class Tried:
    """A candidate, and the reasons why it does not compile."""

    scene: Scene
    steps: list[Json]
    faults: list[str] = field(default_factory=list)
    unseen: bool = False  #: it fails only for values outside the samples, which are all that a planner is shown


def made_scene(seed: int, chances: Chances = PLAIN) -> Scene:
    rng = random.Random(seed)
    catalog, inputs, goal = made_catalog(rng, chances=chances), made_inputs(rng, chances), made_goal(rng)
    return Scene(seed, catalog, inputs, goal)


def candidates(scene: Scene) -> list[list[Json]]:
    """The steps of each candidate plan for the scene, the likeliest first.

    Odd seeds call the search directly, with random probabilities of job types and values. Even seeds call the whole
    planner, with random scores in place of those of its model; every second even seed has a random calibration too.
    """
    request = read_request(planner_input(scene.goal, scene.inputs, scene.catalog))
    rng = random.Random(scene.seed)
    if scene.seed % 2:
        return [each.steps for each in search(request, made_beliefs(rng, request))]
    reader = DigestReader(scene.seed, HOT)
    reading = Reading(reader)
    request = reading.shortlisted(request)
    calibration = made_calibration(rng, reading, request) if scene.seed % 4 else Calibration()
    _, plans = Planner(reader, calibration).weigh(request)
    return [each.candidate.steps for each in plans]


def tried(scene: Scene) -> Iterator[Tried]:
    """Compile each candidate."""
    for steps in candidates(scene):
        faults = faults_of(scene, steps, scene.inputs)
        yield Tried(scene, steps, faults, bool(faults) and _is_unseen(scene, steps, faults))


def _is_unseen(scene: Scene, steps: list[Json], faults: list[str]) -> bool:
    """Whether the faults all disappear if the inputs are cut to their samples."""
    seen = {fault.partition(";")[0] for fault in faults_of(scene, steps, samples(scene))}
    return not seen & {fault.partition(";")[0] for fault in faults}


def samples(scene: Scene) -> Json:
    return {name: told_of(value)["sample"] for name, value in scene.inputs.items()}


def faults_of(scene: Scene, steps: list[Json], inputs: Json) -> list[str]:
    try:
        compile_plan({"steps": steps}, scene.catalog, inputs, LIMITS)
    except PlanRefused as refused:
        return refused.faults
    return []


#: The parts of a fault's sentence that differ from plan to plan, and their placeholders.
_OWN = (
    (re.compile(r"^step '[^']*' \([^)]*\): "), ""),
    (re.compile(r"; known:.*", re.DOTALL), ""),
    (re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""), "'…'"),
    (re.compile(r"^args\.(field|columns|items|over)\b"), r"\1"),
    (re.compile(r"^args\..+?: "), "args.…: "),
    (re.compile(r"^(item \d+: )?\w+\.input\..+?: "), "a value of an input: "),
    (re.compile(r"(must be one of|is one of|breaks \w+) .*", re.DOTALL), r"\1 …"),
    (re.compile(r"must be [\w\[\]'…, ]+, is [a-z]+"), "must be of another kind"),
    (re.compile(r"\d+"), "N"),
)


def kind_of_fault(fault: str) -> str:
    """The fault's sentence without the parts that differ from plan to plan."""
    for pattern, instead in _OWN:
        fault = pattern.sub(instead, fault)
    return fault[:120]


def shown(value: Any, most: int = 600) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"
