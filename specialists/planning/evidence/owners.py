"""Owners: job types with labels that a goal may mean, and the questions to them. Asks nobody itself; knows no engine.

"People who lost their card" is no label, and it is near to many labels. The specialist that owns the labels was trained
to read such words, so its answer is evidence for the value that a selection looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specialists.planning.evidence.logistic import Evidence
from specialists.planning.offers.field import Field
from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.request import Heard, Request
from specialists.planning.words.spans import windows
from specialists.schemas import Json, value_faults

ASKED = 2  #: how many job types are asked at most
LIKELY = 0.15  #: how likely a job type must be needed before it is asked
SELECTS = 0.1  #: how likely the goal must select anything before any owner is asked
PHRASE = 9  #: words of a phrase
UNSAID = 0.5  #: the confidence of an owner that states none

Similar = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]


@dataclass(frozen=True)
class Ask:
    """A job for the owner of labels, before there is a plan."""

    type: str
    input: Json

    @property
    def words(self) -> str:
        """The words of the goal that the owner is asked about."""
        return str(next(iter(self.input.values())))


def asks_of(request: Request, types: Mapping[str, float], selects: float, similar: Similar) -> list[Ask]:
    """The jobs whose answers help before a plan is made.

    `types`: how likely each job type is needed; `selects`: how likely the goal selects anything.
    """
    if selects < SELECTS:
        return []
    owners = sorted(filter(is_owner, request.chosen_from), key=lambda offer: -types.get(offer.name, 0.0))
    return [
        ask for offer in owners[:ASKED] if types.get(offer.name, 0.0) >= LIKELY for ask in asks(request, offer, similar)
    ]


def asks(request: Request, owner: Offer, similar: Similar) -> Iterator[Ask]:
    """Yield an ask for the whole goal, and one for the part of it that is nearest to any label."""
    (parameter,) = owner.required
    said = [request.goal.strip()]
    if parts := windows(request.goal, PHRASE)[1:]:
        labels = [spoken(label) for field in owned(owner) for label in field.labels]
        near = [max(row) for row in similar(parts, labels)]
        said.append(parts[max(range(len(parts)), key=near.__getitem__)])
    for words in dict.fromkeys(each[: parameter.bounded] for each in said):
        if not value_faults(words, parameter.schema, parameter.name):
            yield Ask(owner.name, {parameter.name: words})


def is_owner(offer: Offer) -> bool:
    """Whether the job type makes a label from one text, so that it can read the words of a goal."""
    required = offer.required
    reads = len(required) == 1 and required[0].kind == "string" and not required[0].labels
    return reads and any(True for _ in owned(offer))


def owned(offer: Offer) -> Iterator[Field]:
    """Fields that hold one label each."""
    return (field for field in offer.leaves if field.labels and not field.lists)


def labels_heard(heard: Iterable[Heard], owner: str, field: Field) -> Iterator[tuple[Any, Heard]]:
    """Yield each label that the owner gave for the field, with the question and answer that it came from."""
    for each in heard:
        if each.type == owner and (label := _at(each.output, field.path)) in field.labels and label is not None:
            yield label, each


def is_said(heard: Iterable[Heard], owner: str, field: Field, value: Any) -> bool:
    """Whether the owner of the field answered the goal's words with this value."""
    return any(label == value for label, _ in labels_heard(heard, owner, field))


def evidence_of(heard: Iterable[Heard], owner: str, field: Field, value: Any) -> Evidence:
    """Evidence for or against one value of a field, from the answers of the field's owner."""
    said = list(labels_heard(heard, owner, field))
    sure = [UNSAID if each.confidence is None else each.confidence for _, each in said]
    agree = [p for p, (label, _) in zip(sure, said, strict=True) if label == value]
    differ = [p for p, (label, _) in zip(sure, said, strict=True) if label != value]
    return {
        "heard": float(bool(said)),
        "heard_same": len(agree) / len(said) if said else 0.0,
        "heard_sure": max(agree, default=0.0),
        "heard_other": max(differ, default=0.0),
    }


def _at(output: Json | None, path: str) -> Any:
    found: Any = output
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found
