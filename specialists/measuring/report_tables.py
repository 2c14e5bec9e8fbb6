"""The tables of the report, from specialists' facts and from figures of others. They measure nothing."""

from __future__ import annotations

from collections.abc import Sequence

from specialists.measuring.facts import Compared, Facts, Measured
from specialists.measuring.report import Entry, Hosting, Rate
from specialists.measuring.report_page import Table

#: The share of the shipped adapter's scores that is enough for many uses.
GOOD = 0.9
SHARES = (100, 90, 80, 70, 50)


def scores(entries: Sequence[Entry]) -> Table:
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


def baselines(entries: Sequence[Entry]) -> Table:
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
    """The score, with the number of examples if it is not `n`, and the share of valid answers if it is not 100 %."""
    if metric not in other.metrics:
        return ""
    notes = [f"of {other.n}"] * (other.n != n) + [f"{other.valid_share:.0f} % valid"] * (other.valid_share < 100)
    return f"{other.metrics[metric]:.1f}" + (f" ({', '.join(notes)})" if notes else "")


def confidence(entries: Sequence[Entry]) -> Table:
    rows = []
    for entry in entries:
        if entry.measured and (said := entry.measured.confidence):
            kept = {round(row.coverage): f"{row.right:.1f}" for row in said.coverage}
            rows.append(
                [entry.name, f"{said.error_raw:.1f}", f"{said.error:.1f}", *(kept.get(share, "") for share in SHARES)]
            )
    return ("specialist", "error, raw", "error", *(f"right of the surest {share} %" for share in SHARES)), rows


def with_fallbacks(entries: Sequence[Entry]) -> Table:
    rows = []
    for entry in entries:
        if entry.measured and (said := entry.measured.with_fallback):
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


def efficiency(entries: Sequence[Entry], price_per_hour: float | None, rates: Sequence[Rate]) -> Table:
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


def agility(entries: Sequence[Entry]) -> Table:
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


def budgets(entries: Sequence[Entry]) -> Table:
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


def edge(sides: Sequence[Hosting]) -> Table:
    rows = [[each.side, str(each.specialists), f"{each.jobs_per_s:.1f}", f"{each.peak_mib:,.0f}"] for each in sides]
    return ("", "specialists", "jobs/s", "memory, MiB"), rows


def parameters(entries: Sequence[Entry]) -> Table:
    rows = [
        [
            entry.name, entry.manifest.base.name if entry.manifest.base else "",
            f"rank {entry.manifest.adapter.rank}" if entry.manifest.adapter else "none",
        ]
        for entry in entries
    ]  # fmt: skip
    return ("specialist", "base", "adapter"), rows
