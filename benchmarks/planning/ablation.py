"""What each part of the planner is worth: goals planned right with all of it, with one part left out, and by its peers.

    python -m benchmarks.planning.ablation [SET ...] [--limit 100] [--out FILE.json]

SET: held-out, held-out-shipped, test, or a file of goals, as `manyhands eval-planner` takes it. Plans are compared by
what they do. `nearest` is the peer in the same run: the job type whose description is nearest to the goal by the base's
own embeddings, once for each item of the only list, or else once.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.settings import Settings
from specialists.bases.weights import ensure
from specialists.catalog import load_catalog
from specialists.heads.matcher import base_of
from specialists.offers import PLANNER
from specialists.planning.offers.request import Request
from specialists.planning.planner import Planner
from specialists.training.planning.sets.readers import PARTS, planner_of
from specialists.training.planning.sets.sets import Asked, load_set

Json = dict[str, Any]
SHOWN = 3  #: the number of plans that a person is shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["held-out", "held-out-shipped", "test"])
    parser.add_argument("--limit", type=int, help="goals of each set, drawn at random")
    parser.add_argument("--heard", type=Path, help="what owners of labels said of the goals' words, by `hearsay`")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    settings, found = Settings(), []
    specialist = load_catalog(settings.specialists).get(PLANNER)
    assert specialist.manifest.base is not None
    base = base_of(ensure(specialist.manifest.base.name, settings.weights, print, specialist.manifest.base.sha256))
    sets = {name: load_set(name, limit=args.limit, heard=args.heard) for name in args.sets}
    for part in ("", *PARTS):
        planner = planner_of(specialist, settings.weights, None, [part] if part else [], settings.threads, print)
        for name, asked in sets.items():
            found.append({"without": part or "nothing", "set": name, **shares(planner, asked)})
            print(_line(found[-1]), flush=True)
    for name, asked in sets.items():
        right = sum(each.is_right(_nearest(base, each.request)) for each in asked if each.is_possible)
        possible = sum(each.is_possible for each in asked)
        found.append({"without": "all: nearest", "set": name, "possible": possible, "first": 100 * right / possible})
        print(_line(found[-1]))
    if args.out:
        args.out.write_text(json.dumps(found, indent=2) + "\n")


def shares(planner: Planner, asked: Sequence[Asked]) -> Json:
    """Shares of the possible goals in percent: first plan right, a shown plan right, run and right, run and wrong."""
    first = shown = ran_right = ran_wrong = asked_about = 0
    possible = [each for each in asked if each.is_possible]
    for each in possible:
        request = planner.reading.shortlisted(each.request)
        request = each.hearsay.hearing(request, planner.asks(request))
        beliefs, plans = planner.weigh(request)
        right = [each.is_right(plan.candidate.steps) for plan in plans[:SHOWN]]
        answer = planner.answer(request, beliefs, plans)["answer"]
        first, shown = first + any(right[:1]), shown + any(right)
        ran_right += answer == "plan" and right[0]
        ran_wrong += answer == "plan" and not right[0]
        asked_about += answer == "unsure"
    counts = {"first": first, "in three": shown, "right": ran_right, "wrong": ran_wrong, "asked": asked_about}
    return {"possible": len(possible)} | {name: 100 * count / len(possible) for name, count in counts.items()}


def _nearest(base: Any, request: Request) -> list[Json]:
    offers = [offer for offer in request.chosen_from if len(offer.required) == 1]
    if not offers:
        return []
    cosines = base.means([offer.words for offer in offers]) @ base.means([request.goal])[0]
    offer = offers[int(cosines.argmax())]
    name = offer.required[0].name
    lists = [given for given in request.given if given.kind == "array"]
    if len(lists) == 1:
        over = {"over": {"$ref": f"inputs.{lists[0].name}"}, "as": "item"}
        path = next((f".{field.path}" for field in lists[0].fields if field.kind == offer.required[0].kind), "")
        return [{"id": "s1", "type": offer.name, "map": over, "args": {name: {"$ref": f"item{path}"}}}]
    given = request.given[0].name if request.given else ""
    return [{"id": "s1", "type": offer.name, "args": {name: {"$ref": f"inputs.{given}"} if given else request.goal}}]


def _line(row: Mapping[str, Any]) -> str:
    numbers = " ".join(
        f"{name} {row[name]:5.1f}" for name in ("first", "in three", "right", "wrong", "asked") if name in row
    )
    return f"{row['set']:20} without {row['without']:14} {row['possible']:4} goals: {numbers}"


if __name__ == "__main__":
    main()
