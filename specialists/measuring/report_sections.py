"""The sections of the report: what each says, and its table. They measure nothing."""

from __future__ import annotations

from collections.abc import Sequence

from specialists.measuring import report_tables as tables
from specialists.measuring.facts import BATCH, LEAST_STEPS
from specialists.measuring.report import Entry, Hosting, Rate
from specialists.measuring.report_page import Section

SCORES = """In percent, with 95 % intervals by the bootstrap, on each development set. Answers that do not parse
count as wrong. Each specialist was trained on its task's own training set; that is the claim.
References are published figures on the sources' test sets, which stay sealed here."""
BASELINES = """On the same examples, or on so many drawn from them, in percent. The base answers under the same grammar:
where that has no end that the base knows (lists of lines), it writes on until its room is full, and such an answer is
not valid."""
CONFIDENCE = """How far the confidence of an answer is from the share of right ones, in points: as the model says it,
and calibrated by answers that it is not measured on. Then the share of exactly right answers among the
surest."""
CASCADES = (
    "Jobs whose answer was less sure than the threshold were asked of a larger specialist too, and its answer counts."
)
EFFICIENCY = "Of one worker's engine that is asked all at once; tokens are of one job."
RATES = """Beside it, what as many tokens cost where a price is asked for a million of them read and written ({}), and
how many times as much: the least that it would be, for a general model has to be told in its prompt what a specialist
knows."""
BUDGETS = f"""Of adapters that saw so many examples, in {LEAST_STEPS} steps of {BATCH}, or one pass where that is longer
(manyhands curve); of the one that ships, with its own recipe."""
EDGE = """All specialists on processors alone: in one worker on one base, and in as many workers. Jobs go through Redis
and the queue, of all types by turns; memory is the most that the workers' processes had resident."""
PARAMETERS = "One base in memory serves all that name it, each by its adapter."


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
    price = f" At {price_per_hour:g} an hour." if price_per_hour is not None else ""
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
        *([Section("Cascades", CASCADES, tables.cascades(known))] if any(each.cascade for each in measures) else []),
        Section("Inference efficiency", EFFICIENCY + price, tables.efficiency(known, price_per_hour, rates)),
        Section("Fine-tuning agility", "What a training run takes.", tables.agility(entries)),
        Section("How little data", BUDGETS, tables.budgets(entries), drawn("budgets")),
        *([Section("Edge", EDGE, tables.edge(edge))] if edge else []),
        Section("Parameter use", PARAMETERS, tables.parameters(entries)),
    ]
