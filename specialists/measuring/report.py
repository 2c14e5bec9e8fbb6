"""The report's contents: specialists with their facts, references, rates and hostings. Measures nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from specialists.manifest import Manifest
from specialists.measuring.facts import Facts, Measured
from specialists.specialist import Specialist

REFERENCES = Path(__file__).parent / "references.toml"

#: The metrics that judge a specialist whose manifest names none: the first of these that it has comes first.
MAIN = (
    "macro_f1", "in_scope_accuracy", "oos_recall", "slot_f1", "span_f1", "field_exact", "parsing_accuracy", "exact",
    "argument_f1", "accuracy",
)  # fmt: skip


class Reference(BaseModel):
    """A published figure of somebody else on a source's own test set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    who: str
    metric: str
    value: float  #: percent


class ReportError(ValueError):
    """A file of figures cannot be read; the message names it."""


class Hosting(BaseModel):
    """All specialists hosted in a number of workers, measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: str
    specialists: int
    jobs_per_s: float  #: the median of the rounds
    rounds: tuple[float, ...]  #: jobs/s of each
    peak_mib: float
    ready_s: float  #: from the start of the processes until all have answered once


@dataclass(frozen=True)
class Rate:
    """The prices of somebody's API."""

    who: str
    read: float  #: price of a million tokens read
    written: float

    @classmethod
    def of(cls, text: str) -> Rate:
        """Parse "name=read,written". It raises ReportError."""
        who, _, prices = text.rpartition("=")
        try:
            if not who:
                raise ValueError
            read, written = map(float, prices.split(","))
        except ValueError:
            raise ReportError(f"{text!r} is no rate: give NAME=READ,WRITTEN, prices of a million tokens") from None
        return cls(who, read, written)

    def of_thousand(self, measured: Measured) -> float:
        """The price of 1,000 jobs with as many tokens."""
        return 1000 * (measured.tokens_in * self.read + measured.tokens_out * self.written) / 1e6


@dataclass(frozen=True)
class Entry:
    name: str
    manifest: Manifest
    facts: Facts
    references: Sequence[Reference]

    @property
    def measured(self) -> Measured | None:
        return self.facts.measured

    def metrics(self) -> list[str]:
        """At most two metrics; those that references give come first."""
        assert self.measured
        known = [reference.metric for reference in self.references if reference.metric in self.measured.metrics]
        rest = [metric for metric in self.manifest.measure or MAIN if metric in self.measured.metrics]
        return list(dict.fromkeys([*known, *rest, *self.measured.metrics]))[:2]


def load_references(path: Path = REFERENCES) -> dict[str, list[Reference]]:
    """Specialist -> the scores that others published for its job."""
    rows = tomllib.loads(path.read_text("utf-8"))
    return {name: [Reference.model_validate(row) for row in found] for name, found in rows.items()}


def load_edge(path: Path) -> list[Hosting]:
    """Read the figures that `benchmarks.one_base` wrote. It raises ReportError."""
    try:
        return TypeAdapter(list[Hosting]).validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        raise ReportError(f"{path.name}: no figures of benchmarks.one_base: {error.error_count()} faults") from None


def entries_of(specialists: Iterable[Specialist], references: Mapping[str, Sequence[Reference]]) -> list[Entry]:
    """The specialists that host a model, in the catalog's order. It raises FactsError."""
    return [
        Entry(each.name, each.manifest, Facts.load(each.folder), references.get(each.name, ()))
        for each in specialists
        if each.manifest.hosts_model
    ]
