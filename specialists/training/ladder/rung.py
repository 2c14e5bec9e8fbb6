"""A rung: one kind of model that may do a job. The table of rungs stands in the order of what a job costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from specialists.head_rule import HeadRule, field_rules, head_faults
from specialists.manifest import LINEAR, Recipe
from specialists.specialist import Specialist

SMALL, ENCODER, LARGE = "smollm2-135m", "all-minilm-l6-v2", "qwen2.5-coder-0.5b"
READ_OF_LABELS = ("label", "labels")


@dataclass(frozen=True)
class Rung:
    name: str
    base: str
    cost: float  #: millions of products for a token
    reads: bool = True  #: the answer is read off, and not written
    layers: int | None = None
    labels_only: bool = False
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_fit(self) -> bool:
        """Whether it is one fit of seconds without steps, whose outcome no seed changes."""
        return self.base == LINEAR or bool(self.recipe.get("frozen"))

    def training(self, recipe: Recipe) -> Recipe:
        return recipe.model_copy(update=dict(self.recipe))

    def tables(self, specialist: Specialist) -> dict[str, dict[str, Any]]:
        """What the manifest says of this rung, by table."""
        if not self.reads:
            return {"base": {"name": self.base}, "decoding": {"format": "lines"}}
        head = {"kind": kind_of(specialist)} | ({"layers": self.layers} if self.layers else {})
        return {"base": {"name": self.base}, "head": head}


_HEAD = {"epochs": 6.0, "batch": 16, "rate": 1e-3, "rank": 16}
_WRITTEN = {"epochs": 3.0, "batch": 16, "rate": 1e-3, "rank": 16}

#: smollm2-135m has 3.5 million weights in a layer, and 28 million more in what writes tokens.
RUNGS = (
    Rung("linear", LINEAR, 0.0, labels_only=True),
    Rung("frozen", ENCODER, 10.6, labels_only=True, recipe={"frozen": True}),
    Rung("encoder", ENCODER, 10.6, recipe={"epochs": 10.0, "batch": 16, "rate": 1e-3, "rank": 32}),
    *(Rung(f"head{n}", SMALL, 3.54 * n, layers=n, recipe=_HEAD) for n in (6, 10, 15, 20, 30)),
    Rung("written", SMALL, 134.0, reads=False, recipe=_WRITTEN),
    Rung("written-0.5b", LARGE, 494.0, reads=False, recipe=_WRITTEN),
)


def kind_of(specialist: Specialist) -> str | None:
    """The kind of head that could read the whole output; None if none could."""
    kinds = [rule.kind for rule in field_rules(specialist.output_schema)]
    kind = next((each for each in kinds if each != "label"), "label" if kinds else None)
    if kind is None or head_faults(HeadRule(kind=kind), specialist.input_schema, specialist.output_schema):
        return None
    return kind


def fitting(specialist: Specialist, rungs: Sequence[Rung] = RUNGS) -> list[Rung]:
    """Those of `rungs` for the schemas of `specialist`, the cheapest first."""
    kind = kind_of(specialist)
    return [
        rung
        for rung in rungs
        if not rung.reads or (kind is not None and (not rung.labels_only or kind in READ_OF_LABELS))
    ]
