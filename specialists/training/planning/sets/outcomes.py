"""Outcomes: counts those of the planner's answers to a set of goals, by kind. Runs no plan.

A plan is right if its normal form is that of a plan that is known to be right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from specialists.planning.evidence.owners import Ask
from specialists.schemas import Json
from specialists.training.planning.sets.sets import Asked


class Outcome(StrEnum):
    RIGHT = "right"  #: the plan does what was asked, or a goal that nothing on offer does was refused
    SILENTLY_WRONG = "silently wrong"  #: a plan that would run does not do what was asked
    UNSURE = "unsure"  #: the caller is asked, and a shown plan is right (or nothing on offer does it)
    UNSURE_WRONG = "unsure, none right"  #: the caller is asked, and no shown plan is right
    REFUSED = "refused"  #: the goal was refused, though it can be done


@dataclass
class Figures:
    """The counts of outcomes by kind of goal."""

    counts: dict[str, Counter[Outcome]] = field(default_factory=dict)

    def add(self, kind: str, outcome: Outcome) -> None:
        self.counts.setdefault(kind, Counter())[outcome] += 1

    @property
    def all(self) -> Counter[Outcome]:
        return sum(self.counts.values(), Counter[Outcome]())

    def share(self, outcome: Outcome) -> float:
        """The percentage of all goals with this outcome."""
        return 100 * self.all[outcome] / max(1, self.all.total())

    def lines(self) -> Iterator[str]:
        """Yield a table for people in percent: a line for each kind, and a last one for all."""
        width = max([len("all"), *map(len, self.counts)])
        yield f"{'':{width}} {'goals':>6} " + " ".join(f"{each.value:>18}" for each in Outcome)
        for kind, counts in [*sorted(self.counts.items()), ("all", self.all)]:
            shares = (100 * counts[each] / max(1, counts.total()) for each in Outcome)
            yield f"{kind:{width}} {counts.total():>6} " + " ".join(f"{share:>18.1f}" for share in shares)

    def json(self) -> Json:
        return {kind: {each.value: counts[each] for each in Outcome} for kind, counts in self.counts.items()}


def measure(plan: Callable[[Json], Json], asked: Iterable[Asked]) -> Figures:
    """Measure a planner; `plan` turns the planner's input into its output."""
    figures = Figures()
    for each in asked:
        figures.add(each.kind, outcome(each, answered(plan, each)))
    return figures


def answered(plan: Callable[[Json], Json], asked: Asked) -> Json:
    """The planner's final answer: if it asks owners of labels first, it gets their recorded answers."""
    answer = plan(asked.input | {"heard": []})
    if answer["answer"] != "ask":
        return answer
    heard = asked.hearsay.told(Ask(each["type"], each["input"]) for each in answer["asks"])
    return plan(asked.input | {"heard": [asdict(each) for each in heard]})


def outcome(asked: Asked, answer: Json) -> Outcome:
    """The outcome of one answer in the form of specialists/shipped/planner/output.schema.json."""
    if answer["answer"] == "refused":
        return Outcome.REFUSED if asked.is_possible else Outcome.RIGHT
    right = [asked.is_right(plan["steps"]) for plan in answer["plans"]]
    if answer["answer"] == "plan":
        return Outcome.RIGHT if right[0] else Outcome.SILENTLY_WRONG
    return Outcome.UNSURE if any(right) or not asked.is_possible else Outcome.UNSURE_WRONG
