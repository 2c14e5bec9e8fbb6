"""Reading: what scorers and words say of each part that a goal's plan may have. Knows models as `Reader` alone.

Choose: each job type against the goal. Ground: each value and field against the goal. Bind: each source against what a
parameter needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from specialists.planning.evidence.found import Found, Source
from specialists.planning.evidence.logistic import Evidence, Weights, behind_best, bounded, number, sigmoid
from specialists.planning.evidence.owners import Ask, asks_of, evidence_of, labels_heard
from specialists.planning.evidence.weighing import types_of
from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.offers.names import spoken
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.offers.request import Request
from specialists.planning.parts.beliefs import (
    INPUTS,
    NUMBERS,
    NUMERIC,
    ORDERS,
    TALLIES,
    TYPES_AT_MOST,
    Condition,
    Tally,
    owner_of,
)
from specialists.planning.words import texts
from specialists.planning.words.amounts import dates, numbers
from specialists.planning.words.spans import around, passages, phrases, spans, windows

PIECE = 8  #: words of a part of the goal
SHORTLIST = 16  #: offers that the scorer reads
LABELS = 8  #: of one field that the scorer reads
SPANS, PHRASES = 5, 16  #: words of the goal that may be a text that it says
LONG_TEXT = 400  #: characters; a field that may hold more is not selected by its whole value
AMOUNT = 24  #: characters of a text that may be one
KEPT_BINDS = 100_000
BOUND = 0.9  #: a source so likely that the goal itself is not looked at for a value
UNFIT = -8.0  #: of a parameter that there is no source for, and the least of one that there is
KNOWN_NUMBER = -4.0  #: of job types that the layer over whole goals does not know


class Reader(Protocol):
    """Scores texts against a goal. `similar` and `of_goal` use an embedding that was not trained on plans."""

    def of_goal(self, goal: str, words: str, shape: Sequence[float]) -> Mapping[str, float]:
        """Numbers, before any sigmoid, by name: what the goal wants (`WANTS`), job types (`texts.known`).

        `words`: the goal and its inputs; `shape`: what the inputs are like."""

    def read(self, prefix: str, texts: Sequence[str], task: str) -> Sequence[float]:
        """A number for each text, before any sigmoid."""

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> Sequence[Sequence[float]]: ...

    def similar(self, left: Sequence[str], right: Sequence[str]) -> Sequence[Sequence[float]]:
        """Cosines: one row for each of `left`."""


class Reading:
    """Reads goals, and keeps what it read of catalogs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._binds: dict[tuple[str, str], float] = {}  #: (what is needed, source) -> number
        self._begun: tuple[Request, Found] | None = None  #: of the last goal: it is asked about, then planned

    def similar(self, left: Sequence[str], right: Sequence[str]) -> Sequence[Sequence[float]]:
        """By the base's own embeddings: cosines, one row for each of `left`."""
        return self._reader.similar(left, right)

    def shortlisted(self, request: Request) -> Request:
        """The request with at most `SHORTLIST` offers of those that are chosen by meaning, and those that it names."""
        offers = request.chosen_from
        if len(offers) <= SHORTLIST:
            return request
        pieces = windows(request.goal, PIECE)
        rows = self._reader.similar([offer.words for offer in offers], [request.words, *pieces])
        best = {offer.name: row[0] + max(row) for offer, row in zip(offers, rows, strict=True)}
        kept = set(sorted(best, key=lambda name: -best[name])[:SHORTLIST])
        named = {offer.name for offer in offers if spoken(offer.name).casefold() in request.goal.casefold()}
        return replace(request, offers=tuple(o for o in request.offers if o not in offers or o.name in kept | named))

    def found(self, request: Request, models: Mapping[str, Weights]) -> Found:
        """`models`: of job types, the likeliest of which are looked at closely."""
        found = self.begun(request)
        types = types_of(found.types, models)
        likely = sorted(request.chosen_from, key=lambda offer: -types[offer.name])[:TYPES_AT_MOST]
        likely = [offer for offer in likely if types[offer.name] > 0.01] or likely[:2]
        kept = {offer.name for offer in likely}
        found.binds = {key: each for key, each in found.binds.items() if key[0] in kept}
        _Parts(self._reader, request, likely, types, models, found).read()
        return found

    def asks(self, request: Request, models: Mapping[str, Weights]) -> list[Ask]:
        """What owners of labels should be asked before the goal is planned."""
        begun = self.begun(request)
        return asks_of(request, types_of(begun.types, models), sigmoid(begun.wants["filter"]), self._reader.similar)

    def begun(self, request: Request) -> Found:
        """What is found before any part of a plan is looked at: wants, job types, and the sources of all of these."""
        if self._begun is None or self._begun[0] is not request:
            self._begun = request, self._begin(request)
        return replace(self._begun[1])  # whoever goes on from here puts other parts in the place of these

    def _begin(self, request: Request) -> Found:
        of_goal = self._reader.of_goal(request.goal, request.words, shape_of(request))
        of_pieces = self._of_pieces(request)
        binds = dict(self._bind(request))
        types = self._types(request, of_goal, of_pieces, binds)
        pieces = {name: of_pieces.get(name, of_goal[name]) for name in texts.WANTS}
        return Found({name: of_goal[name] for name in texts.WANTS}, types, binds, pieces=pieces)

    def _types(
        self,
        request: Request,
        of_goal: Mapping[str, float],
        of_pieces: Mapping[str, float],
        binds: Mapping[Source, Evidence],
    ) -> dict[str, Evidence]:
        offers = request.chosen_from
        if not offers:
            return {}
        own = self._reader.read(request.words, [offer.words for offer in offers], "type")
        plain = self._reader.similar([offer.words for offer in offers], [request.words])
        told = [f"{spoken(offer.name)}: {offer.description}" for offer in offers]
        near = self._reader.similar(told, [request.goal, *windows(request.goal, PIECE)])
        labels, inputs, everything = self._labels(request), _best(binds, outputs=False), _best(binds, outputs=True)
        found = {}
        for offer, x, whole, pieces in zip(offers, own, plain, near, strict=True):
            name = texts.known(offer)
            known = of_goal.get(name)
            found[offer.name] = {
                "own": x,
                "is_known": float(known is not None),
                "known": KNOWN_NUMBER if known is None else bounded(known),
                "known_piece": bounded(of_pieces.get(name, KNOWN_NUMBER)),
                "unknown_own": x if known is None else 0.0,
                "base": 10 * whole[0],
                "goal": 10 * pieces[0],
                "piece": 10 * max(pieces),
                "named": float(spoken(offer.name).casefold() in request.goal.casefold()),
                "label": 10 * labels.get(offer.name, 0.0),
                "labels": math.log1p(sum(len(field.labels) for field in offer.leaves)),
                "fits": _fits(offer, inputs),
                "fed": _fits(offer, everything),
            }
        return found

    def _of_pieces(self, request: Request) -> dict[str, float]:
        """The most that the layer over whole goals says, by name, of any part of the goal by itself.

        One part may ask for one job type, and another for the next."""
        nothing = [0.0] * len(shape_of(request))
        found: dict[str, float] = {}
        for piece in windows(request.goal, PIECE)[1:]:
            for name, x in self._reader.of_goal(piece, piece, nothing).items():
                found[name] = max(found.get(name, x), x)
        return found

    def _labels(self, request: Request) -> dict[str, float]:
        """How near the goal's words are to the nearest label of each job type that has any."""
        said = {
            offer.name: [spoken(label) for field in offer.leaves for label in field.labels]
            for offer in request.chosen_from
        }
        every = list(dict.fromkeys(label for each in said.values() for label in each))
        if not every:
            return {}
        rows = self._reader.similar(every, windows(request.goal))
        best = {label: max(row) for label, row in zip(every, rows, strict=True)}
        return {name: max(best[label] for label in each) for name, each in said.items() if each}

    def _bind(self, request: Request) -> Iterator[tuple[Source, Evidence]]:
        """How well each source fits each parameter."""
        asked: list[tuple[str, list[str]]] = []
        wanted = [
            (offer, each, list(_sources(request, offer, each)))
            for offer in request.chosen_from
            for each in offer.parameters
        ]
        for offer, parameter, sources in wanted:
            need = texts.needed(offer, parameter)
            if fresh := [text for _, text, _ in sources if (need, text) not in self._binds]:
                asked.append((need, fresh))
        if len(self._binds) > KEPT_BINDS:
            self._binds.clear()
            asked = [(texts.needed(o, p), [text for _, text, _ in sources]) for o, p, sources in wanted]
        for (need, said), scores in zip(asked, self._reader.read_many(asked, "bind") if asked else [], strict=True):
            self._binds |= {(need, text): x for text, x in zip(said, scores, strict=True)}
        for offer, parameter, sources in wanted:
            need = texts.needed(offer, parameter)
            own = [self._binds[need, text] for _, text, _ in sources]
            lengths = [_sample_words(request, key) for key, _, _ in sources]
            for (key, _, name), x, behind, length in zip(sources, own, behind_best(own), lengths, strict=True):
                yield (
                    (offer.name, parameter.name, key),
                    {
                        "own": x,
                        "behind": behind,
                        "only": float(len(sources) == 1),
                        "named": _shared(parameter.name, name),
                        "output": float(key[0] == "out"),
                        "list": float(key[0] == "list"),
                        "field": float(key[0] == "field"),
                        "required": float(parameter.required),
                        "length": math.log1p(length),
                        "longest": float(length > 0 and length == max(lengths)),
                        "labels": float(bool(parameter.labels)),
                    },
                )


class _Parts:
    """Values and fields of one goal."""

    def __init__(
        self,
        reader: Reader,
        request: Request,
        likely: Sequence[Offer],
        types: Mapping[str, float],
        models: Mapping[str, Weights],
        found: Found,
    ) -> None:
        self._reader = reader
        self._request = request
        self._likely = likely
        self._types = types
        self._models = models
        self._found = found
        self._wants = {name: sigmoid(x) for name, x in found.wants.items()}
        self._goal = request.goal.casefold()
        self._heard = request.heard or ()
        self._pieces = windows(request.goal)
        self._numbers, self._dates, self._spans = numbers(request.goal), dates(request.goal), spans(request.goal)

    def read(self) -> None:
        conditions = [*self._conditions()] if self._wants["filter"] >= 0.03 else []
        tallies = [*self._tallies()]
        literals = [*self._literals()]
        asked = [text for each in (conditions, tallies, literals) for text, *_ in each]
        unique = list(dict.fromkeys(asked))
        scores = self._reader.read(self._request.words, unique, "part") if unique else []
        own = dict(zip(unique, scores, strict=True))
        self._found.conditions = self._weighed_conditions(conditions, own)
        self._found.tallies = self._weighed_tallies(tallies, own)
        self._found.literals = self._weighed_literals(literals, own)

    # -- conditions and tallies ---------------------------------------------------------------------------------------

    def _owners(self, most: int) -> list[tuple[str, Sequence[Field]]]:
        owners = [(offer.name, offer.leaves) for offer in self._likely[:most]]
        lists = [given for given in self._request.given if given.items == "object"]
        return [*owners, *((owner_of(given), _leaves(given)) for given in lists)]

    def _conditions(self) -> Iterator[tuple[str, Condition, float]]:
        """(text, condition, how near the goal's words are to the value)."""
        for owner, fields in self._owners(TYPES_AT_MOST):
            for field in fields:
                for operator, value, words, near in self._values(owner, field):
                    yield (
                        texts.condition(field, operator, value),
                        Condition(owner, field, operator, value, 0.0, words),
                        near,
                    )

    def _values(self, owner: str, field: Field) -> Iterator[tuple[str, Any, str, float]]:
        """(operator, value, the goal's words, how near they are) that a field may be selected by."""
        if field.labels:
            said = {label: each.words for label, each in labels_heard(self._heard, owner, field)}
            yield from (("equals", label, words, near) for label, words, near in self._nearest(field, said))
        elif field.kind == "boolean":
            yield "equals", True, "", 0.0
            yield "equals", False, "", 0.0
        elif field.kind in NUMBERS:
            for each in self._numbers:
                yield (each.operator or "equals"), each.value, each.words, 0.0
        elif field.kind in ("string", "any") and (field.bounded is None or field.bounded <= LONG_TEXT):
            for words in self._spans[:SPANS]:
                yield "equals", words, words, 0.0
            for day, operator in self._dates:
                yield (operator or "equals"), day, day, 0.0

    def _nearest(self, field: Field, said: Mapping[Any, str] | None = None) -> list[tuple[Any, str, float]]:
        """The labels that the goal's words are nearest to, each with those words and how near they are.

        `said`: labels that the field's owner said of words, which are among them."""
        names = [f"{field.words} {spoken(label)}" for label in field.labels]
        rows = self._reader.similar([*names, *(spoken(label) for label in field.labels)], self._pieces)
        count = len(field.labels)
        found = []
        for place, label in enumerate(field.labels):
            row = [max(a, b) for a, b in zip(rows[place], rows[count + place], strict=True)]
            best = max(range(len(row)), key=row.__getitem__)
            found.append((row[best], label, self._pieces[best]))
        found.sort(key=lambda each: -each[0])
        said = said or {}
        kept = [*found[:LABELS], *(each for each in found[LABELS:] if each[1] in said)]
        return [(label, said.get(label, words), near) for near, label, words in kept]

    def _weighed_conditions(
        self, asked: Sequence[tuple[str, Condition, float]], own: Mapping[str, float]
    ) -> list[tuple[Condition, Evidence]]:
        numbers = [own[text] for text, _, _ in asked]
        best = max((near for _, _, near in asked), default=0.0)
        return [
            (
                condition,
                {
                    "own": x,
                    "behind": behind,
                    "near": 10 * near,
                    "near_behind": 10 * (near - best) if condition.field.labels else 0.0,
                    "said": float(bool(condition.field.labels) and _says(self._goal, condition.value)),
                    "input": float(condition.owner.startswith(INPUTS)),
                    "labels": float(bool(condition.field.labels)),
                    "boolean": float(condition.field.kind == "boolean"),
                    "number": float(condition.field.kind in NUMBERS),
                    "compared": float(condition.operator not in ("equals", "contains", "any_of")),
                    "named": float(_says(self._goal, condition.field.words)),
                    "owner": self._owner(condition.owner),
                    **evidence_of(self._heard, condition.owner, condition.field, condition.value),
                },
            )
            for (_, condition, near), x, behind in zip(asked, numbers, behind_best(numbers), strict=True)
        ]

    def _owner(self, name: str) -> float:
        """How likely the job type is that a field is of; inputs are there."""
        p = self._types.get(name, 1.0)
        return math.log(max(p, 1e-3))

    def _tallies(self) -> Iterator[tuple[str, Tally]]:
        for function in (*TALLIES, *ORDERS):
            if self._wants[function] < 0.04:
                continue
            for owner, fields in self._owners(4):
                for field in fields:
                    if function in NUMERIC and not _may_hold_numbers(field):
                        continue
                    if function == "top" and (field.labels or field.kind == "boolean"):
                        continue
                    for options in _options(function, self._numbers, self._wants["descending"]):
                        yield texts.by_field(function, field), Tally(function, owner, field, 0.0, options)

    def _weighed_tallies(
        self, asked: Sequence[tuple[str, Tally]], own: Mapping[str, float]
    ) -> list[tuple[Tally, Evidence]]:
        best: dict[str, float] = {}
        for text, tally in asked:
            best[tally.function] = max(best.get(tally.function, own[text]), own[text])
        return [
            (
                tally,
                {
                    "own": own[text],
                    "behind": own[text] - best[tally.function],
                    "input": float(tally.owner.startswith(INPUTS)),
                    "labels": float(bool(tally.field.labels) or tally.field.kind == "boolean"),
                    "counts_free": float(
                        tally.function in ("count", "group")
                        and not (tally.field.labels or tally.field.kind == "boolean")
                    ),
                    "number": float(tally.field.kind in NUMBERS),
                    "named": float(_says(self._goal, tally.field.words)),
                    "owner": self._owner(tally.owner),
                },
            )
            for text, tally in asked
        ]

    # -- values of parameters -----------------------------------------------------------------------------------------

    def _literals(self) -> Iterator[tuple[str, Offer, Parameter, Any, float]]:
        """(text, offer, parameter, value, the likeliest source's probability)."""
        for offer in self._likely:
            for parameter in offer.parameters:
                bound = max(
                    (
                        number(self._models, "bind", each, p=True)
                        for (name, of, _), each in self._found.binds.items()
                        if (name, of) == (offer.name, parameter.name)
                    ),
                    default=0.0,
                )
                for value in dict.fromkeys(self._literal_values(parameter, bound)):
                    yield texts.literal(parameter, value), offer, parameter, value, bound

    def _literal_values(self, parameter: Parameter, bound: float) -> Iterator[Any]:
        if parameter.labels:
            field = Field(parameter.name, parameter.kind, parameter.labels)
            yield from (label for label, _, _ in self._nearest(field))
        elif parameter.kind == "boolean":
            yield from (True, False)
        elif parameter.kind in NUMBERS:
            whole = parameter.kind == "integer"
            yield from dict.fromkeys(n.value for n in self._numbers if not whole or isinstance(n.value, int))
        elif parameter.kind == "string" and bound < BOUND:
            said = [*self._spans[:SPANS], *(day for day, _ in self._dates)]
            if parameter.required or said:
                said += phrases(self._request.goal, PHRASES)
            if parameter.required and bound < 0.5:
                said += passages(self._request.goal)[:3]
            yield from (words for words in said if parameter.bounded is None or len(words) <= parameter.bounded)

    def _weighed_literals(
        self, asked: Sequence[tuple[str, Offer, Parameter, Any, float]], own: Mapping[str, float]
    ) -> list[tuple[tuple[str, str], Any, Evidence]]:
        if not asked:
            return []
        values, needs = [spoken(str(value)) for *_, value, _ in asked], [each.words for _, _, each, _, _ in asked]
        beside = [around(self._request.goal, str(value)) or str(value) for *_, value, _ in asked]
        columns = {text: place for place, text in enumerate(dict.fromkeys(needs))}
        kin = self._reader.similar(values, list(columns))
        near = self._reader.similar(beside, list(columns))
        best: dict[tuple[str, str], float] = {}
        for text, offer, parameter, _, _ in asked:
            key = offer.name, parameter.name
            best[key] = max(best.get(key, own[text]), own[text])
        found = []
        for place, (text, offer, parameter, value, bound) in enumerate(asked):
            key, column = (offer.name, parameter.name), columns[parameter.words]
            words, is_text = str(value).split(), parameter.kind == "string" and not parameter.labels
            evidence = {
                "own": own[text],
                "behind": own[text] - best[key],
                "kin": 10 * kin[place][column],
                "near": 10 * near[place][column],
                "said": float(bool(parameter.labels) and _says(self._goal, value)),
                "required": float(parameter.required),
                "bound": math.log(max(1e-3, 1 - bound)),
                "labels": float(bool(parameter.labels)),
                "boolean": float(parameter.kind == "boolean"),
                "number": float(parameter.kind in NUMBERS),
                "is_text": float(is_text),
                "span": float(is_text and value in self._spans),
                "words": math.log(len(words) or 1) if is_text else 0.0,
            }
            found.append((key, value, evidence))
        return found


def _may_hold_numbers(field: Field) -> bool:
    """A short text may be an amount, as a receipt has it."""
    is_short = field.kind == "string" and field.bounded is not None and field.bounded <= AMOUNT
    return not field.labels and (field.kind in (*NUMBERS, "any") or is_short)


def _best(binds: Mapping[Source, Evidence], *, outputs: bool) -> dict[tuple[str, str], float]:
    """(job type, parameter) -> the number of its best source: of the inputs, or of whatever there is."""
    best: dict[tuple[str, str], float] = {}
    for (name, parameter, key), evidence in binds.items():
        if outputs or key[0] != "out":
            best[name, parameter] = max(best.get((name, parameter), UNFIT), evidence["own"])
    return best


def _fits(offer: Offer, best: Mapping[tuple[str, str], float]) -> float:
    """How well the worst of the required parameters is provided for."""
    return min((best.get((offer.name, each.name), UNFIT) for each in offer.required), default=0.0)


def _options(function: str, figures: Sequence[Any], descending: float) -> list[tuple[tuple[str, Any], ...]]:
    if function == "sort":
        return [(("descending", True),) if descending > 0.5 else ()]
    if function == "top":
        counts = [n.value for n in figures if isinstance(n.value, int) and 0 < n.value <= 1000 and n.operator is None]
        smallest = (("smallest", True),) if descending <= 0.5 else ()
        return [(("n", count), *smallest) for count in dict.fromkeys(counts or [1])][:2]
    return [()]


def _sources(request: Request, offer: Offer, parameter: Parameter) -> Iterable[tuple[tuple[str, ...], str, str]]:
    """(key, text, name) of all that may be given to a parameter, as far as the schemas say."""
    for given in request.given:
        if given.kind == "array" and parameter.takes(given.schema):
            yield ("list", given.name), texts.source_of_list(given), given.name
        if not given.fields and parameter.takes(given.item_schema):
            yield ("item", given.name), texts.source_of_item(given), given.name
        for field in given.fields:
            if parameter.takes(field.schema) or _element_fits(field, parameter):
                yield ("field", given.name, field.path), texts.source_of_field(given, field), field.path
    for other in request.chosen_from:
        if other.name == offer.name:
            continue
        for field in other.fields:
            if parameter.takes(field.schema) or _element_fits(field, parameter):
                yield ("out", other.name, field.path), texts.source_of_output(other, field), field.path


def _element_fits(field: Field, parameter: Parameter) -> bool:
    """Whether each element of a list could be given."""
    return field.kind == "array" and parameter.takes(field.schema.get("items", {}))


def shape_of(request: Request) -> list[float]:
    """What the inputs are like, for what a goal wants: no list, several, records, several inputs."""
    lists = [given for given in request.given if given.kind == "array"]
    records = any(given.items == "object" for given in lists)
    return [float(not lists), float(len(lists) > 1), float(records), float(len(request.given) > 1)]


def _leaves(given: Given) -> list[Field]:
    return [field for field in given.fields if field.kind not in ("array", "object") and not field.lists]


def _sample_words(request: Request, key: tuple[str, ...]) -> int:
    """Words of the text that a source of an input begins with; 0 of anything else."""
    if key[0] not in ("item", "field"):
        return 0
    given = next(each for each in request.given if each.name == key[1])
    seen = given.seen if key[0] == "item" else given.seen_at(key[2])
    return max((len(text.split()) for text in seen if isinstance(text, str)), default=0)


def _shared(parameter: str, source: str) -> float:
    """The share of words that two names have in common."""
    one, other = ({*spoken(name.rpartition(".")[2]).casefold().split()} for name in (parameter, source))
    return len(one & other) / len(one | other) if one | other else 0.0


def _says(goal: str, value: Any) -> bool:
    """Whether the goal (in lower case) has the words of a label."""
    words = spoken(str(value)).casefold()
    return len(words) > 1 and words in goal
