"""Public plans (UltraTool, Seal-Tools, NesTools) over tools that the planner never saw: TaskBench's scores.

    python -m benchmarks.planning.public DATA/planner/dev.jsonl.gz [--train DATA/planner/train.jsonl.gz] [--limit 100]

Nothing of these sets is trained on. The likeliest plan counts, whether or not the planner would ask about it. node
F1: job types of each plan, as sets; edge F1: pairs of job types of which one takes what the other gives, or that are
ordered; parameter F1: (job type, parameter), and with the value. Micro, over all goals; a plan that is missing counts
as one of no steps. Chains have no arguments: they count for nodes and edges alone. `nearest`: the plan of the
training goal whose words are nearest (TF-IDF), its job types kept where they are on offer.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import drawn
from specialists.offers import PLANNER
from specialists.planning.normal.references import references
from specialists.planning.offers.request import read_request
from specialists.planning.planner import Planner
from specialists.schemas import Json
from specialists.training.planning.sets.readers import planner_of
from specialists.training.planning.writing.offers import Offers
from specialists.training.planning.writing.writing import Writing, read_rows

CHAINS = "ultratool_chain"
KINDS = {"string", "number", "integer", "boolean", "array", "object"}
Steps = Sequence[Json]


@dataclass
class Counts:
    """Counts for one score: parts that both plans have, parts of the right plan, parts of the planner's plan."""

    both: int = 0
    right: int = 0
    said: int = 0

    def add(self, right: set[object], said: set[object]) -> None:
        self.both += len(right & said)
        self.right += len(right)
        self.said += len(said)

    @property
    def f1(self) -> float:
        return round(100 * 2 * self.both / max(1, self.right + self.said), 1)


@dataclass
class Scores:
    node: Counts = field(default_factory=Counts)
    edge: Counts = field(default_factory=Counts)
    parameter: Counts = field(default_factory=Counts)
    value: Counts = field(default_factory=Counts)
    goals: int = 0

    def add(self, row: Json, said: Steps) -> None:
        right = row["output"]["steps"]
        self.goals += 1
        self.node.add({each["type"] for each in right}, {each["type"] for each in said})
        self.edge.add(set(_edges(right)), set(_edges(said)))
        if row["source"] != CHAINS:
            self.parameter.add({(t, p) for t, p, _ in _arguments(right)}, {(t, p) for t, p, _ in _arguments(said)})
            self.value.add(set(_arguments(right)), set(_arguments(said)))

    def json(self) -> Json:
        names = {"node": self.node, "edge": self.edge, "parameter": self.parameter, "parameter value": self.value}
        return {"goals": self.goals, **{f"{name} F1": each.f1 for name, each in names.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("goals", type=Path)
    parser.add_argument("--train", type=Path, help="for the nearest neighbour")
    parser.add_argument("--limit", type=int, help="so many goals, drawn at random; default: all")
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows, settings = drawn(list(read_rows(given.goals, lambda row: row)), given.limit), Settings()
    specialist = load_catalog(settings.specialists).get(PLANNER)
    planner = planner_of(specialist, settings.weights, given.adapter, (), None, print)
    functions = Offers(Writing((), ())).functions
    told = {"planner": _scored(rows, lambda row: _planned(planner, row["input"], functions))}
    if given.train:
        told["nearest"] = _scored(rows, _nearest(list(read_rows(given.train, lambda row: row))))
    print(json.dumps(told, indent=2))
    if given.out:
        given.out.write_text(json.dumps(told, indent=2) + "\n")


def _scored(rows: Iterable[Json], plan: Callable[[Json], Steps]) -> Json:
    """The scores of all goals together, and by source."""
    scores: dict[str, Scores] = {"all": Scores()}
    for row in rows:
        said = plan(row)
        for name in ("all", row["source"]):
            scores.setdefault(name, Scores()).add(row, said)
    return {name: each.json() for name, each in scores.items()}


def _planned(planner: Planner, asked: Json, functions: Sequence[Json]) -> Steps:
    offers = [_offer(each) for each in asked["job_types"]]
    request = read_request({"goal": asked["goal"], "inputs": {}, "job_types": [*offers, *functions]})
    _, plans = planner.weigh(planner.reading.shortlisted(request))
    return plans[0].candidate.steps if plans else []


def _offer(tool: Json) -> Json:
    takes = {name: {"type": kind} if kind in KINDS else {} for name, kind in tool["params"].items()}
    gives: Json = {name: {} for name in tool["returns"]}
    return {
        "name": tool["name"],
        "description": tool["description"],
        "input": {"type": "object", "properties": takes, "required": tool["required"]},
        "output": {"type": "object", "properties": gives, "required": tool["returns"]},
        "function": False,
    }


def _edges(steps: Steps) -> Iterable[tuple[str, str]]:
    types = {each["id"]: each["type"] for each in steps}
    for each in steps:
        for head in [*(path.partition(".")[0] for path in references(each.get("args", {}))), *each.get("after", ())]:
            if head in types:
                yield types[head], each["type"]


def _arguments(steps: Steps) -> Iterable[tuple[str, str, str]]:
    """(job type, parameter, value); a reference counts as the job type that it refers to."""
    types = {each["id"]: each["type"] for each in steps}
    for each in steps:
        for name, value in each.get("args", {}).items():
            heads = [types.get(path.partition(".")[0], path) for path in references(value)]
            yield each["type"], name, " ".join(heads) if heads else str(value).strip().casefold()


def _nearest(train: Sequence[Json]) -> Callable[[Json], Steps]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    known = words.fit_transform([row["input"]["goal"] for row in train])

    def plan(row: Json) -> Steps:
        near = (known @ words.transform([row["input"]["goal"]]).T).toarray().ravel()
        steps: Steps = train[int(near.argmax())]["output"]["steps"]
        offered = {each["name"] for each in row["input"]["job_types"]}
        return [each for each in steps if each["type"] in offered]

    return plan


if __name__ == "__main__":
    main()
