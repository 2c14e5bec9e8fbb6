"""Sets: goals to measure the planner on, each with the job types on offer and every right plan. Plans nothing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from specialists.examples import drawn
from specialists.planning.normal.normal import normal
from specialists.planning.normal.wants import wants_of
from specialists.planning.offers.request import Request, read_request
from specialists.schemas import Json
from specialists.training.planning.sets.hearsay import FILE as HEARD
from specialists.training.planning.sets.hearsay import Hearsay, load_hearsay
from specialists.training.planning.writing.offers import Offers, planner_input
from specialists.training.planning.writing.writing import (
    FOLDER,
    REFUSE,
    SHIPPED_DOMAIN,
    Writing,
    WritingError,
    WrittenGoal,
    load_writing,
    read_rows,
)

REFUSED = "refuse"  #: the kind of a goal that nothing on offer does
#: The kind of a goal whose writer names none: the first of these that its plan has.
_KINDS = {
    "then": "filter, then",
    "chain": "chain",
    "filter": "filter",
    "pair": "pair",
    "count": "count",
    "untyped": "functions",
    "single": "single",
}


@dataclass(frozen=True)
class Asked:
    """A goal and its right plans; there are none if nothing on offer does it."""

    id: str
    kind: str
    goal: str
    inputs: Json
    offers: list[Json]
    plans: list[list[Json]]
    #: The owners' recorded answers about the goal's words.
    hearsay: Hearsay = field(default_factory=Hearsay, repr=False)

    @cached_property
    def input(self) -> Json:
        """The planner's input for the goal."""
        return planner_input(self.goal, self.inputs, self.offers)

    @cached_property
    def request(self) -> Request:
        return read_request(self.input)

    @property
    def is_possible(self) -> bool:
        return bool(self.plans)

    def is_right(self, steps: list[Json]) -> bool:
        """Whether the steps do what is asked, however they are written."""
        return self._form(steps) in self._right

    @cached_property
    def _right(self) -> list[object]:
        return [self._form(steps) for steps in self.plans]

    def _form(self, steps: list[Json]) -> object:
        form = normal(steps, self.request)
        return form.uses, form.operations


def load_set(name: str, folder: Path = FOLDER, limit: int | None = None, heard: Path | None = None) -> list[Asked]:
    """Load a set by its name, or by the path of a file of goals. It raises WritingError.

    `limit`: the number of goals drawn at random; `heard`: a file of owners' answers, in place of the folder's.
    """
    if name not in _SETS and not Path(name).is_file():
        raise WritingError(f"unknown set {name!r}; known: {', '.join(_SETS)}; or give a file of goals")
    asked = _SETS[name](folder) if name in _SETS else _of_file(Path(name))
    hearsay = load_hearsay(heard or folder / HEARD)
    return [replace(each, hearsay=hearsay) for each in drawn(asked, limit)]


def _held_out(folder: Path) -> list[Asked]:
    return _written(folder, lambda goal: goal.domain != SHIPPED_DOMAIN)


def _held_out_shipped(folder: Path) -> list[Asked]:
    return _written(folder, lambda goal: goal.domain == SHIPPED_DOMAIN)


def _written(folder: Path, wanted: Callable[[WrittenGoal], bool]) -> list[Asked]:
    """The held-out writers' goals that `wanted` selects."""
    writing = load_writing(folder)
    offers, found = Offers(writing), []
    for number, goal in enumerate(filter(wanted, writing.held_out().goals), 1):
        naming = offers.plain(goal)
        kind = _kind(goal.steps, offers.request(goal, naming)) if goal.steps else REFUSED
        on_offer, plans = [*naming.offers, *offers.functions], [goal.steps] if goal.steps else []
        found.append(Asked(f"{goal.writer}-{number}", kind, goal.goal, goal.inputs, on_offer, plans))
    return found


def _kind(steps: list[Json], request: Request) -> str:
    wants = wants_of(normal(steps, request), steps)
    return next((kind for want, kind in _KINDS.items() if wants[want]), "map")


def _test(folder: Path) -> list[Asked]:
    """Load the catalogs and goals that nobody looked at while the planner was built."""
    catalogs: dict[str, list[Json]] = {}
    for row in read_rows(folder / "test" / "catalogs.jsonl.gz", lambda row: row):
        catalogs.setdefault(row["catalog"], []).append(offer_of_files(row["files"]))
    return _over_catalogs(folder / "test" / "goals.jsonl.gz", catalogs.__getitem__)


def _of_file(path: Path) -> list[Asked]:
    """Load goals over the folders of job types in `catalogs/` beside the file, and over those that ship."""
    found: dict[str, list[Json]] = {}

    def catalog(name: str) -> list[Json]:
        if name not in found:
            folders = sorted(each.parent for each in (path.parent / "catalogs" / name).glob("*/specialist.toml"))
            if not folders:
                raise WritingError(f"{path.name} names the catalog {name!r}, which is no folder of job types")
            found[name] = [offer_of_files({each.name: _text(each) for each in f.iterdir()}) for f in folders]
        return found[name]

    return _over_catalogs(path, catalog)


def _over_catalogs(path: Path, catalog: Callable[[str], list[Json]]) -> list[Asked]:
    shipped = Offers(Writing((), ()))
    rows = read_rows(path, lambda row: (row, row["gold"], row["goal"], row["inputs"]))
    return [
        Asked(
            str(row.get("id", number)),
            str(row.get("kind", "")) or (REFUSED if gold == REFUSE else "goal"),
            goal,
            inputs,
            [*(catalog(row["catalog"]) if "catalog" in row else []), *shipped.models, *shipped.functions],
            [] if gold == REFUSE else gold,
        )
        for number, (row, gold, goal, inputs) in enumerate(rows, 1)
    ]


def offer_of_files(files: Mapping[str, str]) -> Json:
    """Make the offer of a job type from the texts of its folder's files."""
    manifest = tomllib.loads(files["specialist.toml"])
    sides = {side: json.loads(files[f"{side}.schema.json"]) for side in ("input", "output")}
    return {"name": manifest["name"], "description": manifest["description"], **sides, "function": False}


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.suffix in (".toml", ".json") else ""


_SETS: dict[str, Callable[[Path], list[Asked]]] = {
    "held-out": _held_out,
    "held-out-shipped": _held_out_shipped,
    "test": _test,
}
