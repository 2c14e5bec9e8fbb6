"""The report: one page over all specialists, from their facts and what others reach. Measures nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from specialists.manifest import Manifest
from specialists.measuring.facts import BATCH, LEAST_STEPS, Compared, Facts, Measured
from specialists.measuring.report_page import Section, Table
from specialists.specialist import Specialist

REFERENCES = Path(__file__).parent / "references.toml"

#: The metrics that a specialist is judged by whose manifest names none, of those that it has, the first one first.
MAIN = (
    "macro_f1", "in_scope_accuracy", "oos_recall", "slot_f1", "span_f1", "field_exact", "parsing_accuracy", "exact",
    "argument_f1", "accuracy",
)  # fmt: skip


class Reference(BaseModel):
    """Somebody's published figure on a source's own test set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    who: str
    metric: str
    value: float  #: percent


class ReportError(ValueError):
    """A file of figures that does not read; says which."""


class Hosting(BaseModel):
    """All specialists in so many workers, measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: str
    specialists: int
    jobs_per_s: float  #: the median of the rounds
    rounds: tuple[float, ...]  #: jobs/s of each
    peak_mib: float
    ready_s: float  #: from the start of the processes to the first answers of all


@dataclass(frozen=True)
class Rate:
    """What somebody's API charges."""

    who: str
    read: float  #: a million tokens read
    written: float

    @classmethod
    def of(cls, text: str) -> Rate:
        """Of "name=read,written". Raises ReportError."""
        who, _, prices = text.rpartition("=")
        try:
            if not who:
                raise ValueError
            read, written = map(float, prices.split(","))
        except ValueError:
            raise ReportError(f"{text!r} is no rate: give NAME=READ,WRITTEN, prices of a million tokens") from None
        return cls(who, read, written)

    def of_thousand(self, measured: Measured) -> float:
        """What 1,000 jobs with as many tokens cost."""
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
        """Two at most, those that references speak of first."""
        assert self.measured
        known = [reference.metric for reference in self.references if reference.metric in self.measured.metrics]
        rest = [metric for metric in self.manifest.measure or MAIN if metric in self.measured.metrics]
        return list(dict.fromkeys([*known, *rest, *self.measured.metrics]))[:2]


def load_references(path: Path = REFERENCES) -> dict[str, list[Reference]]:
    """Specialist -> what others reach at its job."""
    rows = tomllib.loads(path.read_text("utf-8"))
    return {name: [Reference.model_validate(row) for row in found] for name, found in rows.items()}


def load_edge(path: Path) -> list[Hosting]:
    """What `benchmarks.one_base` wrote. Raises ReportError."""
    try:
        return TypeAdapter(list[Hosting]).validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        raise ReportError(f"{path.name}: no figures of benchmarks.one_base: {error.error_count()} faults") from None


def entries_of(specialists: Iterable[Specialist], references: Mapping[str, Sequence[Reference]]) -> list[Entry]:
    """Those that host a model, in order of name. Raises FactsError."""
    return [
        Entry(each.name, each.manifest, Facts.load(each.folder), references.get(each.name, ()))
        for each in specialists
        if each.manifest.hosts_model
    ]


SCORES = """The scores are in percent, with 95 % intervals by the bootstrap, on each development set. An answer that
does not parse counts as wrong. Each specialist was trained on its task's own training set; that is the claim. The
references are published figures on the sources' test sets, which stay sealed here."""
BASELINES = """The scores are in percent, on the same examples or on the number of examples in brackets, drawn from
them. The base model answers under the same grammar. Some grammars have no end that the base model knows (lists of
lines). There the base model writes until its room is full, and such an answer is not valid."""
CONFIDENCE = """The error is how far the confidence of answers is from the share of right ones, in points. The raw
error is of the confidence as the model says it. The other one is calibrated by answers that it is not measured on. The
further columns have the share of exactly right answers among the surest ones."""
CASCADES = """A larger specialist was asked too where an answer was less sure than the threshold. Then the larger
specialist's answer counts."""
EFFICIENCY = """The figures are those of one worker's engine when all jobs are there at once. The tokens are those of
one job."""
RATES = """The further columns say what as many tokens cost where somebody asks a price for a million of them, read and
written ({}), and how many times our cost that is. It would cost at least that much, because a general model has to be
told in its prompt what a specialist knows."""
AGILITY = "This is what a training run takes."
BUDGETS = f"""The scores are of adapters that saw so many examples, in {LEAST_STEPS} steps of {BATCH}, or in one pass
where that is longer (manyhands curve). The adapter that ships was trained by its own recipe."""
EDGE = """All specialists run on processors alone: in one worker on one base, and in as many workers as there are
specialists. Jobs of all types go in turn through Redis and the queue. Memory is the most that the workers' processes
had resident."""
PARAMETERS = "One base model in memory serves all specialists that name it, each by its adapter."


def sections(
    entries: Sequence[Entry],
    price_per_hour: float | None,
    pictures: Sequence[str] = (),
    edge: Sequence[Hosting] = (),
    rates: Sequence[Rate] = (),
) -> list[Section]:
    """What the page says. `price_per_hour`: of the machine that was measured on; `pictures`: names of files; `rates`:
    of others, in the same currency."""
    known = [entry for entry in entries if entry.measured]
    measures = [entry.measured for entry in known if entry.measured]
    missing = ", ".join(entry.name for entry in entries if not entry.measured)
    scores = SCORES + (f" Not measured yet: {missing}." if missing else "")
    price = f" The machine costs {price_per_hour:g} an hour." if price_per_hour is not None else ""
    if rates and price:
        price += " " + RATES.format("; ".join(f"{each.who}: {each.read:g} and {each.written:g}" for each in rates))

    def drawn(word: str) -> list[str]:
        return [name for name in pictures if word in name]

    return [
        Section("Scores", scores, _scores(known), drawn("scores")),
        Section(
            "Beside simple baselines",
            BASELINES,
            _baselines(known),
        ),
        Section("Confidence", CONFIDENCE, _confidence(known), drawn("coverage")),
        *([Section("Cascades", CASCADES, _cascades(known))] if any(each.cascade for each in measures) else []),
        Section("Inference efficiency", EFFICIENCY + price, _efficiency(known, price_per_hour, rates)),
        Section("Fine-tuning agility", AGILITY, _agility(entries)),
        Section("How little data", BUDGETS, _budgets(entries), drawn("budgets")),
        *([Section("Edge", EDGE, _edge(edge))] if edge else []),
        Section("Parameter use", PARAMETERS, _parameters(entries)),
    ]


def _scores(entries: Sequence[Entry]) -> Table:
    rows = []
    for entry in entries:
        assert entry.measured
        for metric in entry.metrics():
            low, high = entry.measured.intervals[metric]
            n = entry.measured.counts.get(metric, entry.measured.n)
            others = [f"{each.value:g} {each.who}" for each in entry.references if each.metric == metric]
            rows.append(
                [
                    entry.name, metric, f"{entry.measured.metrics[metric]:.1f}", f"{low:.1f} to {high:.1f}",
                    str(n), f"{entry.measured.valid_share:.1f}", "; ".join(others) or "none",
                ]
            )  # fmt: skip
    return ("specialist", "metric", "ours", "95 %", "n", "valid", "references"), rows


def _baselines(entries: Sequence[Entry]) -> Table:
    names = list(dict.fromkeys(each.who for entry in entries if entry.measured for each in entry.measured.compared))
    rows = []
    for entry in entries:
        assert entry.measured
        metric = entry.metrics()[0]
        by_name = {each.who: each for each in entry.measured.compared}
        found = [_score_of(by_name[name], metric, entry.measured.n) if name in by_name else "" for name in names]
        rows.append([entry.name, metric, f"{entry.measured.metrics[metric]:.1f}", *found])
    return ("specialist", "metric", "ours", *names), rows


def _score_of(other: Compared, metric: str, n: int) -> str:
    """With the number of examples where it is not `n`, and the share of valid answers where it is not all."""
    if metric not in other.metrics:
        return ""
    notes = [f"of {other.n}"] * (other.n != n) + [f"{other.valid_share:.0f} % valid"] * (other.valid_share < 100)
    return f"{other.metrics[metric]:.1f}" + (f" ({', '.join(notes)})" if notes else "")


def _confidence(entries: Sequence[Entry]) -> Table:
    rows = []
    for entry in entries:
        if entry.measured and (said := entry.measured.confidence):
            kept = {round(row.coverage): f"{row.right:.1f}" for row in said.coverage}
            rows.append(
                [entry.name, f"{said.error_raw:.1f}", f"{said.error:.1f}", *(kept.get(share, "") for share in SHARES)]
            )
    return ("specialist", "error, raw", "error", *(f"right of the surest {share} %" for share in SHARES)), rows


def _cascades(entries: Sequence[Entry]) -> Table:
    rows = []
    for entry in entries:
        if entry.measured and (said := entry.measured.cascade):
            metric = entry.metrics()[0]
            low, high = said.intervals[metric]
            rows.append(
                [
                    entry.name, said.to, f"{said.below:g}", f"{said.share:.1f}", metric,
                    f"{entry.measured.metrics[metric]:.1f}", f"{said.metrics[metric]:.1f}", f"{low:.1f} to {high:.1f}",
                    f"{entry.measured.jobs_per_s:.1f}", f"{said.jobs_per_s:.1f}",
                ]
            )  # fmt: skip
    names = ("asked too", "below", "asked of it, %", "metric", "alone", "together", "95 %", "jobs/s alone", "together")
    return ("specialist", *names), rows


#: Of the scores of the adapter that ships: what is enough for many a use.
GOOD = 0.9

SHARES = (100, 90, 80, 70, 50)


def _efficiency(entries: Sequence[Entry], price_per_hour: float | None, rates: Sequence[Rate]) -> Table:
    rows = []
    for entry in entries:
        assert entry.measured
        cost = [] if price_per_hour is None else _costs(entry.measured, price_per_hour, rates)
        rows.append(
            [
                entry.name, f"{entry.measured.tokens_in:.0f}", f"{entry.measured.tokens_out:.0f}",
                f"{entry.measured.jobs_per_s:.1f}", *cost, entry.measured.device,
            ]
        )  # fmt: skip
    priced = [] if price_per_hour is None else ["1,000 jobs cost", *(each.who for each in rates)]
    return ("specialist", "tokens read", "tokens written", "jobs/s", *priced, "on"), rows


def _costs(measured: Measured, price_per_hour: float, rates: Sequence[Rate]) -> list[str]:
    ours = 1000 * price_per_hour / 3600 / measured.jobs_per_s
    others = [each.of_thousand(measured) for each in rates]
    return [f"{ours:.4f}", *(f"{cost:.3f} ({cost / ours:,.0f} times)" for cost in others)]


def _agility(entries: Sequence[Entry]) -> Table:
    rows = [
        [
            entry.name, f"{found.examples:,}", f"{found.minutes:.0f}", _enough(entry.facts), found.device,
            found.options, found.date,
        ]
        for entry in entries
        if (found := entry.facts.trained)
    ]  # fmt: skip
    return (
        "specialist",
        "examples",
        "minutes",
        f"{100 * GOOD:.0f} % of its scores with",
        "on",
        "options",
        "date",
    ), rows


def _enough(facts: Facts) -> str:
    found = facts.enough_for(GOOD)
    return f"{found.examples:,} examples, {found.minutes:.0f} minutes" if found else ""


def _budgets(entries: Sequence[Entry]) -> Table:
    rows = [
        [
            entry.name,
            f"{each.examples:,}" + (" (ships)" if each == entry.facts.ships else ""),
            f"{each.minutes:.0f}",
            ", ".join(f"{k} {v:.1f}" for k, v in each.metrics.items()),
        ]
        for entry in entries
        for each in entry.facts.curve
    ]
    return ("specialist", "examples", "minutes", "scores"), rows


def _edge(sides: Sequence[Hosting]) -> Table:
    rows = [[each.side, str(each.specialists), f"{each.jobs_per_s:.1f}", f"{each.peak_mib:,.0f}"] for each in sides]
    return ("", "specialists", "jobs/s", "memory, MiB"), rows


def _parameters(entries: Sequence[Entry]) -> Table:
    rows = [
        [
            entry.name, entry.manifest.base.name if entry.manifest.base else "",
            f"rank {entry.manifest.adapter.rank}" if entry.manifest.adapter else "none",
        ]
        for entry in entries
    ]  # fmt: skip
    return ("specialist", "base", "adapter"), rows
