"""The sections of the report: the text and the table of each. They measure nothing."""

from __future__ import annotations

from collections.abc import Sequence

from specialists.measuring import report_tables as tables
from specialists.measuring.facts import BATCH, LEAST_STEPS
from specialists.measuring.report import Entry, Hosting, Rate
from specialists.measuring.report_page import Section

SCORES = """The scores are in percent, with 95 % intervals by the bootstrap, on each development set. An answer that
does not parse counts as wrong. Each specialist was trained on its task's own training set; that is the claim. The
references are published figures on the sources' test sets, which stay sealed here."""
BASELINES = """The scores are in percent, on the same examples or on the number of examples in brackets, drawn from
them. The base model answers under the same grammar. Some grammars have no end that the base model knows (lists of
lines). There the base model writes until its room is full, and such an answer is not valid."""
CONFIDENCE = """The error is how far the confidence of answers is from the share of right ones, in points. The raw
error is of the confidence as the model says it. The other one is calibrated by answers that it is not measured on. The
further columns have the share of exactly right answers among the surest ones."""
WITH_FALLBACKS = """A larger specialist was asked too where an answer was less sure than the threshold. Then the larger
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
    """The sections of the page.

    `price_per_hour`: price of the machine that was measured on; `pictures`: names of files; `rates`: prices of others,
    in the same currency.
    """
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
        Section("Scores", scores, tables.scores(known), drawn("scores")),
        Section(
            "Beside simple baselines",
            BASELINES,
            tables.baselines(known),
        ),
        Section("Confidence", CONFIDENCE, tables.confidence(known), drawn("coverage")),
        *(
            [Section("With a fallback", WITH_FALLBACKS, tables.with_fallbacks(known))]
            if any(each.with_fallback for each in measures)
            else []
        ),
        Section("Inference efficiency", EFFICIENCY + price, tables.efficiency(known, price_per_hour, rates)),
        Section("Fine-tuning agility", AGILITY, tables.agility(entries)),
        Section("How little data", BUDGETS, tables.budgets(entries), drawn("budgets")),
        *([Section("Edge", EDGE, tables.edge(edge))] if edge else []),
        Section("Parameter use", PARAMETERS, tables.parameters(entries)),
    ]
