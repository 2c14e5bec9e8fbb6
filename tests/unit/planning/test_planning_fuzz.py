"""A property: whatever the catalog, the inputs and the beliefs, every plan that the search finds compiles.

`python -m benchmarks.planning.fuzz` looks at many more, and tells a fault's kind with the shortest plan that has it.
"""

from __future__ import annotations

import random
from functools import cache

import pytest

from benchmarks.planning.catalogs import made_catalog, shipped
from benchmarks.planning.fuzz import ODD, fuzz
from benchmarks.planning.inputs import made_inputs
from benchmarks.planning.plans import Tried, candidates, made_scene, tried
from benchmarks.planning.schemas import PLAIN, Chances
from coordinator.goals.input_names import input_faults
from specialists.planning.offers.offer import FUNCTIONS
from specialists.schemas import schema_faults

pytestmark = pytest.mark.slow

SCENES = {"plain": range(150), "odd": range(10_000, 10_050)}  #: about 2,000 plans
CHANCES = {"plain": PLAIN, "odd": ODD}


@cache
def plans_of(kind: str) -> list[Tried]:
    return [one for seed in SCENES[kind] for one in tried(made_scene(seed, CHANCES[kind]))]


@pytest.mark.parametrize("kind", SCENES)
def test_every_plan_that_is_found_compiles(kind: str) -> None:
    plans = plans_of(kind)
    assert len(plans) > 4 * len(SCENES[kind])
    assert [told(one) for one in plans if one.faults and not one.unseen] == []
    assert sum(one.unseen for one in plans) < len(plans) / 15  # odd elements are not shown either


def told(one: Tried) -> str:
    return f"seed {one.scene.seed}: {one.faults} in {one.steps}"


def test_plans_of_chance_use_all_that_plans_are_made_of() -> None:
    used = {step["type"] for one in plans_of("plain") for step in one.steps}
    assert used >= {
        "table",
        "flatten",
        "filter",
        "count",
        "sum",
        "sort",
        "top",
        "unique",
        "pick",
        "group",
        "min",
        "max",
    }
    assert used - FUNCTIONS


def test_the_same_seed_finds_the_same_plans() -> None:
    assert [candidates(made_scene(seed)) for seed in (3, 4)] == [candidates(made_scene(seed)) for seed in (3, 4)]


@pytest.mark.parametrize("chances", [PLAIN, ODD], ids=["plain", "odd"])
def test_what_is_made_up_might_be_a_deployments(chances: Chances) -> None:
    """Schemas that a specialist's folder may have, and inputs that the API lets in."""
    for seed in range(60):
        rng = random.Random(seed)
        for each in made_catalog(rng, chances=chances):
            if each.name not in shipped():
                assert schema_faults(each.input_schema, "input") == []
                assert schema_faults(each.output_schema, "output") == []
        assert input_faults(made_inputs(rng, chances)) == []


def test_the_fuzzer_counts_what_compiles_and_what_does_not() -> None:
    found = fuzz(60, 0, PLAIN)
    assert found.plans >= 60
    assert found.compiled + found.failed + found.unseen == found.plans
