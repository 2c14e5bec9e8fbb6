"""Development examples drawn from the training data as a test would be: each label with its share. Knows no model."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence

from specialists.examples import Example
from specialists.head_rule import field_rules
from specialists.schemas import Json

SHARE, MOST = 0.2, 500  #: of the examples; and no more


def split(examples: Sequence[Example], output_schema: Json, seed: int = 5) -> tuple[list[Example], list[Example]]:
    """(to train on, to measure on). Examples with one input stay together, so that none is measured that was taught."""
    draw, kinds = random.Random(seed), defaultdict[str, list[list[Example]]](list)
    for group in _same_inputs(examples):
        kinds[_kind(group[0], output_schema)].append(group)
    share = min(SHARE, MOST / max(1, len(examples)))
    measured: list[list[Example]] = []
    owed = 0.0
    for kind in sorted(kinds):
        groups = draw.sample(kinds[kind], len(kinds[kind]))
        owed += share * len(groups)
        count = min(round(owed), len(groups) - 1)  # one of each kind is taught, at least
        measured += groups[:count]
        owed -= count
    dev = [example for group in measured for example in group]
    kept = {id(example) for example in dev}
    return [example for example in examples if id(example) not in kept], draw.sample(dev, len(dev))


def _same_inputs(examples: Sequence[Example]) -> list[list[Example]]:
    found = defaultdict[str, list[Example]](list)
    for example in examples:
        found[json.dumps(example.input, sort_keys=True)].append(example)
    return list(found.values())


def _kind(example: Example, output_schema: Json) -> str:
    """The labels of an example; of spans, which types there are."""
    said = []
    for rule in field_rules(output_schema):
        value = example.output.get(rule.field)
        if rule.kind == "label":
            said.append(str(value))
        elif rule.names and isinstance(value, list):
            said.append(",".join(sorted({str(item[rule.names[0]]) for item in value})))
    return "\0".join(said)
