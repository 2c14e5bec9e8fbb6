"""Random plans that must compile: made-up catalogs, inputs and beliefs, and every candidate of the search.

    python -m benchmarks.planning.fuzz [--plans 100000] [--seed 0] [--odd] [--out FILE.json]

It prints how many compile, how many do not, and why; a plan that fails is a fault of the planner. Plans that fail only
for a value that the planner was not shown (it sees the first two elements of a list, and the beginning of a text) are
counted apart. Scenes have the seeds from `--seed` on, so that a failing one can be made again by its own seed.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.delivery.tables import show
from benchmarks.planning.plans import Tried, kind_of_fault, made_scene, shown, tried
from benchmarks.planning.schemas import PLAIN, Chances

#: Names that no path can name, nulls, and texts that are longer than parameters allow.
ODD = Chances(hard_names=0.1, nulls=0.05, long=0.02)
EXAMPLES = 25


class Tally:
    """The results of the plans so far."""

    def __init__(self) -> None:
        self.scenes = 0
        self.compiled = 0
        self.failed = 0
        self.unseen = 0  #: plans that fail for a value that no planner was shown
        self.raised = 0
        self.kinds: Counter[str] = Counter()
        self.shortest: dict[str, Tried] = {}  #: kind of fault -> the shortest plan that has it
        self.steps: Counter[str] = Counter()

    def add(self, one: Tried) -> None:
        if not one.faults:
            self.compiled += 1
            self.steps.update({step["type"] for step in one.steps})
            return
        if one.unseen:
            self.unseen += 1
            return
        self.failed += 1
        for kind in dict.fromkeys(map(kind_of_fault, one.faults)):
            self.count(kind, one)

    def count(self, kind: str, one: Tried) -> None:
        self.kinds[kind] += 1
        if kind not in self.shortest or len(repr(one.steps)) < len(repr(self.shortest[kind].steps)):
            self.shortest[kind] = one

    @property
    def plans(self) -> int:
        return self.compiled + self.failed + self.unseen


def fuzz(plans: int, seed: int, chances: Chances) -> Tally:
    found = Tally()
    while found.plans < plans:
        scene = made_scene(seed + found.scenes, chances)
        found.scenes += 1
        try:
            for one in tried(scene):
                found.add(one)
        except Exception as error:  # noqa: BLE001 - the search must raise nothing, so every error counts
            found.raised += 1
            at = traceback.extract_tb(error.__traceback__)[-1]
            found.count(f"raised {type(error).__name__} in {at.name}", Tried(scene, [], [repr(error)]))
    return found


def report(found: Tally, seconds: float) -> None:
    rate = found.plans / seconds if seconds else 0.0
    show([{"scenes": found.scenes, "plans": found.plans, "compiled": found.compiled, "failed": found.failed,
           "unseen": found.unseen, "raised": found.raised, "plans_per_s": rate}])  # fmt: skip
    used = ", ".join(f"{name} {count}" for name, count in found.steps.most_common(16))
    print(f"\nPlans that compile use: {used}.")
    for kind, count in found.kinds.most_common(EXAMPLES):
        one = found.shortest[kind]
        told = [fault for fault in one.faults if kind_of_fault(fault) == kind] or one.faults
        print(f"\n{count} × {kind}\n  seed {one.scene.seed}: {shown(told[:1], 300)}\n  steps {shown(one.steps)}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Plans of chance that must compile.")
    parser.add_argument("--plans", type=int, default=10_000, help="at least so many")
    parser.add_argument("--seed", type=int, default=0, help="of the first scene")
    parser.add_argument("--odd", action="store_true", help="nulls, long texts and names that no path can tell too")
    parser.add_argument("--out", type=Path, help="write the counts to this file of JSON")
    given = parser.parse_args()
    started = time.monotonic()
    found = fuzz(given.plans, given.seed, ODD if given.odd else PLAIN)
    report(found, time.monotonic() - started)
    if given.out:
        given.out.write_text(json.dumps(_counts(found), ensure_ascii=False, indent=2) + "\n")
    return 1 if found.failed or found.raised else 0


def _counts(found: Tally) -> dict[str, Any]:
    names = ("scenes", "plans", "compiled", "failed", "unseen", "raised")
    return {**{name: getattr(found, name) for name in names}, "faults": dict(found.kinds)}


if __name__ == "__main__":
    raise SystemExit(main())
