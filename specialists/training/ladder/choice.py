"""What the ladder decides from its table: whether to climb, and which rung is installed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from specialists.measuring.facts import Rung

IN_VAIN = 2  #: so many costlier rungs in a row that are no better end the climb
#: The fewest errors that a model must have made for another without any to be told from it (sign test at 5 %).
TELLING = 6
LEAST_EPOCHS = 1.5  #: a rung that could see the examples fewer times is left out


def pick(rows: Sequence[Rung]) -> Rung:
    """The cheapest rung whose score is within the interval of the best one. `rows`: the cheapest first."""
    tried = [row for row in rows if row.scores]
    best = best_of(tried)
    return next(row for row in tried if row.score >= best.interval[0])


def best_of(rows: Sequence[Rung]) -> Rung:
    """The rung of the highest score, the cheapest of those that have it."""
    return max(rows, key=lambda row: row.score)


def two_best(rows: Sequence[Rung]) -> list[Rung]:
    return sorted((row for row in rows if row.scores), key=lambda row: -row.score)[:2]


def why_no_further(rows: Sequence[Rung], measured: int) -> str | None:
    """Why no costlier rung is tried; None if one is. `measured`: the number of development examples."""
    tried = [row for row in rows if row.scores]
    if not tried:
        return None
    best = best_of(tried)
    errors = round((1 - best.right / 100) * measured)
    if errors < TELLING:
        return f"{best.name} errs in {errors} of {measured}: none could be told from it"
    above = tried[tried.index(best) + 1 :]
    if len(above) >= IN_VAIN:
        return f"{' and '.join(row.name for row in above[-IN_VAIN:])} were no better than {best.name}"
    return None


def why_too_long(seconds_an_epoch: float | None, budget_s: float) -> str | None:
    """Why a rung is left out that would take so long to see the examples once. None of unknown is no reason."""
    if budget_s <= 0:
        return "no time was left"
    if seconds_an_epoch is None or seconds_an_epoch * LEAST_EPOCHS <= budget_s:
        return None
    times = budget_s / seconds_an_epoch
    return f"its time would do for {times:.1f} passes over the examples, and {LEAST_EPOCHS:g} are the least"


def warning(rows: Sequence[Rung], simple: Rung | None) -> str | None:
    """What is said in red: the picked rung is worse than a simple method on the same examples."""
    picked = next(row for row in rows if row.picked)
    if simple is None or simple.score <= picked.score or simple.name == picked.name:
        return None
    return (
        f"a simple method does better: {simple.name} has {simple.score:.1f} on the development examples, and "
        f"{picked.name}, which is installed, has {picked.score:.1f}"
    )
