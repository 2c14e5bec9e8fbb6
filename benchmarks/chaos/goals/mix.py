"""The mix of a round: the goals that are submitted, their order and their tenants. Knows no shape by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice
from random import Random

from benchmarks.chaos.goals.goals import PLAIN, Asked, Take
from benchmarks.chaos.goals.shapes import TROUBLED
from benchmarks.chaos.processes.cluster import WEIGHTS
from infra.records import NOBODY, Priority

SHAPES = PLAIN | TROUBLED
TENANTS = (NOBODY, *WEIGHTS)


def goals(jobs: int, chance: Random) -> list[Asked]:
    """Make goals of `jobs` jobs or a few more, each shape at least once or twice, in random order."""
    largest = max(10, min(1000, jobs // 40))
    numbers, made = count(1), list[Asked]()

    def add(shape: Callable[[Take], Asked]) -> None:
        size = chance.randint(max(5, largest // 10), largest)
        asked = shape(lambda n=size: list(islice(numbers, n)))
        made.append(replace(asked, tenant=chance.choice(TENANTS), priority=chance.choice(list(Priority))))

    for shape in (1 if jobs < 1000 else 2) * list(SHAPES):
        add(shape)
    while sum(len(asked.jobs) for asked in made) < jobs:
        add(chance.choices(list(SHAPES), list(SHAPES.values()))[0])
    chance.shuffle(made)
    return made
