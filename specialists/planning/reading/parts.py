"""Parts: finds and scores the values and fields of one goal at once, for the likeliest job types. Searches no plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specialists.planning.evidence.found import Found
from specialists.planning.evidence.logistic import Weights, sigmoid
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.request import Request
from specialists.planning.reading.conditions import Conditions
from specialists.planning.reading.fields import Fields
from specialists.planning.reading.goal_words import GoalWords
from specialists.planning.reading.literals import Literals
from specialists.planning.reading.reader import Reader
from specialists.planning.reading.tallies import Tallies

SELECTS = 0.03  #: how likely the goal must select anything for conditions to be tried


def add_parts(
    found: Found,
    reader: Reader,
    request: Request,
    likely: Sequence[Offer],
    types: Mapping[str, float],
    models: Mapping[str, Weights],
) -> None:
    """Add conditions, tallies and literals to `found`.

    `likely`: the job types that are looked at; `types`: how likely each is; `models`: the models that weigh evidence.
    """
    wants = {name: sigmoid(x) for name, x in found.wants.items()}
    words, fields = GoalWords(reader, request.goal), Fields(request, likely, types)
    conditions = Conditions(words, fields, request.heard or ())
    tallies, literals = Tallies(words, fields, wants), Literals(reader, words)
    selections = [*conditions.asked()] if wants["filter"] >= SELECTS else []
    functions = [*tallies.asked()]
    values = [*literals.asked(likely, found.binds, models)]
    asked = [text for each in (selections, functions, values) for text, *_ in each]
    own = _numbers(reader, request, list(dict.fromkeys(asked)))
    found.conditions = conditions.found(selections, own)
    found.tallies = tallies.found(functions, own)
    found.literals = literals.found(values, own)


def _numbers(reader: Reader, request: Request, unique: Sequence[str]) -> dict[str, float]:
    """The scorer's number for each text."""
    scores = reader.read(request.words, unique, "part") if unique else []
    return dict(zip(unique, scores, strict=True))
