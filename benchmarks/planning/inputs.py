"""Random inputs and goals. Knows no job type and no plan."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.planning.names import INPUTS
from benchmarks.planning.schemas import PLAIN, Chances, Json, Schemas, Values

#: The parts of goals; they have numbers, dates, quotations and names, which values are read from.
CLAUSES = (
    *("sort the messages", "how many of each", "only those over 50 EUR", 'the ones that say "card arrival"'),
    *("the top 3 by amount", "and the rest", "before 2026-01-31", "not the urgent ones", "for Berlin", "at least 7"),
    *("translate each into French", "by city", "summarise what is critical", "the average score", "since 1/2/2025"),
    *('"s1.rows" and "{{item}}"', "whose total is less than 1,000", "in one list: inputs.note", "twelve of them"),
)


def made_inputs(rng: random.Random, chances: Chances = PLAIN) -> Json:
    """Make up to three inputs, under names that the API accepts."""
    schemas, values = Schemas(rng, chances), Values(rng, chances)
    found: dict[str, Any] = {}
    for name in rng.sample(INPUTS, rng.choice((0, 1, 1, 1, 2, 2, 3))):
        value = values.of(_shape(rng, schemas))
        if value is not None:  # the API accepts no null
            found[name] = value
    return found


def _shape(rng: random.Random, schemas: Schemas) -> Json:
    """Choose a schema; lists of texts and of records are likeliest, since people give them most."""
    kind = rng.random()
    if kind < 0.3:
        return {"type": "array", "items": schemas.record(1, 5)}
    if kind < 0.5:
        return {"type": "array", "items": {"type": "string"}}
    return {"type": "string"} if kind < 0.65 else schemas.record(1, 5) if kind < 0.8 else schemas.any()


def made_goal(rng: random.Random) -> str:
    return ", ".join(rng.sample(CLAUSES, rng.randint(1, 5)))
