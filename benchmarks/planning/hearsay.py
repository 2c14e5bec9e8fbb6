"""Ask the owners of labels that ship what they make of goals' words, and keep it: what the planner is fitted with.

python -m benchmarks.planning.hearsay held-out-shipped test --out specialists/shipped/planner/writing/heard.jsonl.gz
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from infra.settings import Settings
from specialists.catalog import Catalog, load_catalog
from specialists.offers import PLANNER
from specialists.planning.evidence.owners import Ask, asks, is_owner
from specialists.planning.offers.request import Heard
from specialists.training.planning.sets.readers import planner_of
from specialists.training.planning.sets.sets import Asked, load_set
from specialists.training.planning.writing.writing import FOLDER
from workers.answering import answers
from workers.engines.load import load_engines

#: A multiple of the number that engines answer at once.
CHUNK = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", help="held-out-shipped, test, or files of goals")
    parser.add_argument("--writing", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    settings, catalog = Settings(), load_catalog(Settings().specialists)
    goals = [each for name in given.sets for each in load_set(name, given.writing)]
    wanted = list(dict.fromkeys(_lines(goals, catalog, settings)))
    with gzip.GzipFile(given.out, "wb", mtime=0) as out:
        for heard in _answered(wanted, catalog, settings):
            told = {"type": heard.type, "input": heard.input, "output": heard.output, "confidence": heard.confidence}
            out.write((json.dumps(told, ensure_ascii=False) + "\n").encode())
    print(f"{len(wanted)} answers about {len(goals)} goals in {given.out}")


def _lines(goals: list[Asked], catalog: Catalog, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield (job type, input as JSON) for each ask, whether or not the planner would ask it."""
    reader = planner_of(catalog.get(PLANNER), settings.weights, None, (), None, print).reading
    for each in goals:
        for offer in filter(is_owner, each.request.chosen_from):
            if offer.name in catalog:
                for ask in asks(each.request, offer, reader.similar):
                    yield ask.type, json.dumps(ask.input, ensure_ascii=False)


def _answered(wanted: list[tuple[str, str]], catalog: Catalog, settings: Settings) -> Iterator[Heard]:
    owners = sorted({job_type for job_type, _ in wanted})
    engines = load_engines([catalog.get(each) for each in owners], settings)
    for owner in owners:
        own = [Ask(owner, json.loads(input)) for job_type, input in wanted if job_type == owner]
        for start in range(0, len(own), CHUNK):
            some = own[start : start + CHUNK]
            said = answers(catalog.get(owner), [each.input for each in some], engines[owner])
            for ask, (output, confidence) in zip(some, said, strict=True):
                yield Heard(ask.type, ask.input, output, confidence)


if __name__ == "__main__":
    main()
