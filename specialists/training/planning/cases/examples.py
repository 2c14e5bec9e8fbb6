"""Examples: what the matcher reads and should answer, from a goal, an ask or a value. Knows no tensor.

A case is one prefix with branches, as `specialists.heads.matcher` compares them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from specialists.planning.normal.normal import normal
from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import read_offer
from specialists.planning.offers.request import Request
from specialists.planning.words import texts
from specialists.schemas import Json
from specialists.training.planning.cases.parts import parts
from specialists.training.planning.cases.sources import bind_texts
from specialists.training.planning.writing.naming import Naming
from specialists.training.planning.writing.offers import Offers
from specialists.training.planning.writing.writing import WrittenGoal

#: A drawn case has about this many job types, filled up with some that its plan does not use.
UNUSED = 4
#: The share of goals that are read with a job type of another domain on offer.
STRANGERS = 0.5
#: For how many parameters of a goal a drawn case asks for the sources.
BOUND = 2
#: The share of asks that show the beginning of an input, and of values whose field has its description.
SAMPLED, ABOUTS = 0.55, 0.4
#: Reasons by which a refusal says that an input is missing. Job types may fit then, so the case asks nothing about
#: them.
_MISSING = re.compile(
    r"missing|not given|not among|isn't (there|given)|is not (there|given)|not in (the )?input|no input|lacks"
    r"|nothing in the input|not supplied|not provided|no (text|list|reports?|receipts?|notes?) (is|are|were|given)",
    re.IGNORECASE,
)
_NAMES = ["items", "messages", "notes", "texts", "list", "entries", "input", "lines", "mails", "records"]
_FRAMES = (
    *("{}", "only {}", "just the ones: {}", "show me {}", "{} please", "which are {}?", "I want {}", "keep {}"),
    "filter: {}",
)


class Branch(NamedTuple):
    task: str  #: the task of the matcher that compares it
    text: str
    right: bool


@dataclass(frozen=True)
class Case:
    prefix: str
    branches: Sequence[Branch]


class GoalCases:
    """Cases of goals. A drawn case has a few of the wrong answers; a whole one has all of them."""

    def __init__(self, offers: Offers, strangers: Sequence[Json] = ()) -> None:
        """`strangers`: job types of any domain that may be offered beside a goal's own."""
        self._offers = offers
        self._strangers = strangers

    def drawn(self, goal: WrittenGoal, draw: Random) -> list[Case]:
        naming = self._offers.masked(goal, draw)
        extra = [draw.choice(self._strangers)] if self._strangers and draw.random() < STRANGERS else []
        return self._cases(goal, naming, draw, extra, all_of_it=False)

    def whole(self, goal: WrittenGoal, draw: Random) -> list[Case]:
        return self._cases(goal, self._offers.plain(goal), draw, [], all_of_it=True)

    def _cases(
        self, goal: WrittenGoal, naming: Naming, draw: Random, extra: Sequence[Json], all_of_it: bool
    ) -> list[Case]:
        request = self._offers.request(goal, naming)
        steps = naming.steps(goal.steps) if goal.steps is not None else None
        plan = normal(steps, request) if steps is not None else None
        branches: list[Branch] = []
        if plan or not _MISSING.search(goal.why):
            branches += _type_branches(request, plan.types if plan else set(), draw, all_of_it)
            branches += [Branch("type", read_offer(offer).words, False) for offer in extra]
        branches += [Branch("part", text, right) for text, right in parts(request, plan, draw)]
        cases = [Case(request.words, branches)]
        if plan:
            asked = bind_texts(request, plan, draw)
            kept = asked if all_of_it else draw.sample(asked, min(BOUND, len(asked)))
            cases += [Case(need, [Branch("bind", text, right) for text, right in said]) for need, said in kept]
        return cases


def _type_branches(request: Request, used: set[str], draw: Random, all_of_it: bool) -> list[Branch]:
    unused = [offer for offer in request.chosen_from if offer.name not in used]
    if not all_of_it:
        unused = draw.sample(unused, min(len(unused), max(2, UNUSED - len(used))))
    chosen = [offer for offer in request.chosen_from if offer.name in used] + unused
    return [Branch("type", offer.words, offer.name in used) for offer in chosen]


def ask_case(ask: str, right: Json, others: Sequence[Json], example: Json, draw: Random) -> Case:
    """A case of an ask for one job type, among others that do not do it.

    `example`: an input of the job type to show; {} shows none.
    """
    name, value = next(iter(example.items()), ("data", None))
    sample = [value] if draw.random() < SAMPLED else None
    given = Given(draw.choice([*_NAMES, name, f"{name}s"]), "array", sample)
    words = Request(ask, (given,), ()).words
    branches = [Branch("type", read_offer(offer).words, offer is right) for offer in (right, *others)]
    return Case(words, branches)


def value_case(field: Field, label: object, phrase: str, draw: Random, most: int = 5) -> Case:
    """A case of a way to say a label, among the field's other labels."""
    others = [each for each in field.labels if each != label]
    shown = field if draw.random() < ABOUTS else Field(field.path, field.kind, field.labels, "", field.lists)
    labels = [label, *draw.sample(others, min(most - 1, len(others)))]
    branches = [Branch("part", texts.condition(shown, "equals", each), each == label) for each in labels]
    return Case(draw.choice(_FRAMES).format(phrase), branches)
