"""The writing: job types, goals with their plans, asks, and labels in people's words; part of it is held out.

It reads files. It knows no model and no head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from infra.json_lines import FileFault, lines_of, read_bytes
from specialists.catalog import SHIPPED
from specialists.schemas import Json

FOLDER = SHIPPED / "planner" / "writing"
#: The domain of goals over the job types that ship.
SHIPPED_DOMAIN = "shipped"
REFUSE = "REFUSE"
#: The writers whose writing is never learnt from, nor any writing about the domains that they made up.
HELD_OUT_WRITERS = frozenset({7, 8, 16, 23, 47, 48, 49, 50, 55, 58, 61})

Row = TypeVar("Row")


class WritingError(ValueError):
    """A file of the writing is missing or cannot be read; the message names the file and the line."""


@dataclass(frozen=True)
class WrittenType:
    """A job type that a writer made up, in several wordings."""

    writer: int
    domain: str
    name: str
    aliases: Sequence[str]  #: other names: some are clear, some cryptic, some misleading
    description: str
    descriptions: Sequence[str]  #: other wordings
    input: Json  #: a JSON Schema
    output: Json
    asks: Sequence[str]  #: how people ask for this job type alone
    value_words: Mapping[str, Sequence[str]]  #: label -> how people say it without the label's own words
    examples: Sequence[Json]  #: inputs


@dataclass(frozen=True)
class WrittenGoal:
    writer: int
    domain: str  #: the domain whose job types are on offer, beside the functions
    goal: str
    inputs: Json
    steps: list[Json] | None  #: None if nothing on offer does it
    kind: str = ""  #: in the writer's own words
    why: str = ""  #: why nothing on offer does it
    person: str = ""  #: the person that is imagined to ask


@dataclass(frozen=True)
class WrittenAsks:
    """Ways to ask for a job type that ships."""

    writer: int
    type: str
    asks: Sequence[str]


@dataclass(frozen=True)
class WrittenValue:
    """Ways to say a label of a job type that ships."""

    writer: int
    type: str
    label: str
    says: Sequence[str]


@dataclass(frozen=True)
class Writing:
    types: Sequence[WrittenType]
    goals: Sequence[WrittenGoal]
    asks: Sequence[WrittenAsks] = field(default=())
    values: Sequence[WrittenValue] = field(default=())

    @cached_property
    def by_domain(self) -> dict[str, list[WrittenType]]:
        found: dict[str, list[WrittenType]] = {}
        for each in self.types:
            found.setdefault(each.domain, []).append(each)
        return found

    @cached_property
    def held_out_domains(self) -> frozenset[str]:
        """The domains that a held-out writer made up."""
        return frozenset(each.domain for each in self.types if each.writer in HELD_OUT_WRITERS)

    def learnt(self) -> Writing:
        """The writing that may be trained on."""
        held = self.held_out_domains
        return Writing(
            [each for each in self.types if each.domain not in held],
            [each for each in self.goals if each.writer not in HELD_OUT_WRITERS and each.domain not in held],
            [each for each in self.asks if each.writer not in HELD_OUT_WRITERS],
            [each for each in self.values if each.writer not in HELD_OUT_WRITERS],
        )

    def held_out(self) -> Writing:
        """The goals of held-out writers. All types stay, because these goals are over some of them."""
        return replace(self, goals=[each for each in self.goals if each.writer in HELD_OUT_WRITERS], asks=(), values=())


def load_writing(folder: Path = FOLDER) -> Writing:
    """Load all of the writing. It raises WritingError."""
    return Writing(
        list(read_rows(folder / "types.jsonl.gz", lambda row: WrittenType(**row))),
        list(read_rows(folder / "goals.jsonl.gz", _goal)),
        list(read_rows(folder / "asks.jsonl.gz", lambda row: WrittenAsks(**row))),
        list(read_rows(folder / "values.jsonl.gz", lambda row: WrittenValue(**row))),
    )


def read_rows(path: Path, of_row: Callable[[Any], Row]) -> Iterator[Row]:
    """Yield one row for each line of JSON, plain or gzipped. It raises WritingError on the first faulty line."""
    if not path.exists():
        raise WritingError(
            f"{path}: there is no such file. The writing is in the repository, not in the installed package; "
            "give its folder with --writing"
        )
    try:
        data = read_bytes(path)
    except FileFault as error:
        raise WritingError(f"{path}: {error}") from None
    for line in lines_of(data):
        if line.fault:
            raise WritingError(f"{path.name}:{line.number}: {line.fault}")
        try:
            yield of_row(line.value)
        except (ValueError, KeyError, TypeError) as error:
            raise WritingError(f"{path.name}:{line.number}: {error!r}") from None


def _goal(row: Json) -> WrittenGoal:
    steps = row["steps"]
    if not (steps == REFUSE or (isinstance(steps, list) and steps)):
        raise ValueError(f"'steps' must be a list of steps or {REFUSE!r}")
    return WrittenGoal(**{**row, "steps": None if steps == REFUSE else steps})
