"""A small search for rank and rate: short runs on some of the examples, of which the best look wins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from specialists.examples import Example, drawn
from specialists.specialist import Specialist
from specialists.training.course import LOG, Look, Options, TrainingError
from specialists.training.lora import train

RANKS, RATES = (8, 16), (5e-4, 1e-3, 2e-3)

#: A file in the search's folder, written when the search is over; an interrupted training run goes on with its content.
FOUND = "found.json"

#: The number of examples of a short run: enough to tell the rates apart, few enough for six runs.
SHORT = 600


def search(
    specialist: Specialist,
    examples: Sequence[Example],
    dev: Sequence[Example],
    base: Path,
    out: Path,
    options: Options,
    say: Callable[[str], None],
) -> Options:
    """Return `options` with the best rank and rate, and alpha twice the rank. It raises TrainingError without `dev`."""
    if not dev:
        raise TrainingError("a search for rank and rate needs a development set: give --dev")
    some, run = drawn(list(examples), SHORT), _digest(specialist, examples, dev, base, options)
    if kept := _kept(out / FOUND, run):
        return replace(options, **kept)
    found = []
    for rank in RANKS:
        for rate in RATES:
            tried = replace(options, rank=rank, alpha=2 * rank, rate=rate, epochs=1.0, looks=2)
            folder = out / f"rank{rank}-rate{rate:g}"
            train(specialist, some, base, folder, tried, lambda _: None, dev=dev)
            look = best_look(folder / LOG)
            say(f"rank {rank}, rate {rate:g}: dev loss {look.loss:.3f}, exact {look.exact:.1f} %")
            found.append((look, tried))
    best = min(found, key=lambda pair: pair[0].loss)[1]  # exactness is too coarse after so few steps
    kept = {"rank": best.rank, "alpha": best.alpha, "rate": best.rate}
    (out / FOUND).write_text(json.dumps({"run": run, "found": kept}))
    return replace(options, **kept)


def _kept(path: Path, run: str) -> dict[str, Any] | None:
    """The finding of an earlier search with that digest, if there is one."""
    said = json.loads(path.read_text()) if path.exists() else {}
    return said["found"] if said.get("run") == run else None


def _digest(
    specialist: Specialist, examples: Sequence[Example], dev: Sequence[Example], base: Path, options: Options
) -> str:
    rows = [[[each.input, each.output] for each in some] for some in (examples, dev)]
    return hashlib.sha256(json.dumps([specialist.digest, rows, base.name, asdict(options)]).encode()).hexdigest()


def best_look(log: Path) -> Look:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    looks = [Look(line["dev_loss"], line["dev_exact"]) for line in lines if "dev_loss" in line]
    return min(looks, key=lambda look: look.loss)
