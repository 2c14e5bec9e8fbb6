"""The planner: a goal, inputs and offers in; a plan, a question or a refusal out. Knows models as `Reader` alone.

Choose: a head scores each offer against the goal. Ground: it scores each value, field and source. Search: whole plans
that are well typed, from those probabilities. Judge: a head reads the goal and each plan in words, and says how likely
it is what was asked.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from specialists.planning import texts
from specialists.planning.calibration import Calibration, features_of
from specialists.planning.evidence import recalibrated
from specialists.planning.offered import Field, Given, Json, Offer, Parameter, Request, read_request, spoken
from specialists.planning.search import (
    NUMBERS,
    NUMERIC,
    ORDERS,
    TALLIES,
    TYPES_AT_MOST,
    Beliefs,
    Candidate,
    Condition,
    Tally,
    missing,
    owner_of,
    search,
)
from specialists.planning.spans import dates, numbers, passages, spans, windows

SHORTLIST = 16  #: offers that the scorer reads
LABELS = 8  #: of one field that the scorer reads
JUDGED = 16  #: candidates
ALTERNATIVES = 3  #: plans that are shown
CONDITIONS, TALLYINGS = 24, 30  #: that the search takes up, the likeliest
KEPT_ANSWERS = 1000
KEPT_BINDS = 100_000
LIKELY = 0.4  #: of a job type that was probably meant


class Scores(Protocol):
    own: Sequence[float]
    branches: Sequence[float]


class Reader(Protocol):
    """Scores texts against a goal. `similar` is by an embedding that was not trained on plans."""

    def wants(self, goal: str, shape: Sequence[float]) -> Sequence[float]:
        """A number for each of `WANTS`, before any sigmoid; `shape` says what the inputs are like."""

    def read(self, prefix: str, branches: Sequence[tuple[str, str]], own: str = "") -> Any: ...

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]], task: str) -> list[list[float]]: ...

    def similar(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        """Cosines: one row for each of `left`."""


@dataclass(frozen=True)
class Weighed:
    """A candidate and what the scorers say of it."""

    candidate: Candidate
    judged: float  #: the judge's number, before any sigmoid
    score: float  #: of both, for the order


class Planner:
    def __init__(self, reader: Reader, calibration: Calibration | None = None, judge: bool = False) -> None:
        """`judge`: the encoder reads each plan in words too; what it says was of little use on goals held out."""
        self._reader = reader
        self._calibration = calibration or Calibration()
        self._judge = judge
        self._answers: dict[str, str] = {}  #: what was asked -> the answer as JSON, the oldest first
        self._outputs: dict[tuple[str, str], float] = {}  #: (what is needed, source) -> bind probability, kept

    def plan(self, input: Mapping[str, Any]) -> Json:
        """The planner's output, as specialists/planner/output.schema.json has it."""
        key = _key(input)
        if key not in self._answers:
            request = read_request(input)
            beliefs, weighed = self.weigh(request)
            self._answers[key] = json.dumps(self.answer(request, beliefs, weighed))
            if len(self._answers) > KEPT_ANSWERS:
                del self._answers[next(iter(self._answers))]
        answer: Json = json.loads(self._answers[key])
        return answer

    def weigh(self, request: Request) -> tuple[Beliefs, list[Weighed]]:
        """What is believed of the goal, and the candidates in order, the likeliest first."""
        request = self._shortlisted(request)
        beliefs = self.beliefs(request)
        candidates = search(request, beliefs, JUDGED)
        return beliefs, self._judged(request, candidates)

    def _judged(self, request: Request, candidates: Sequence[Candidate]) -> list[Weighed]:
        if not self._judge or not candidates:
            return [Weighed(each, 0.0, each.score) for each in candidates]
        words = texts.PlanWords(request)
        said = [("plan", words.of(each.steps)) for each in candidates]
        judged = self._reader.read(request.words, said).branches
        weight = self._calibration.search_weight
        weighed = [Weighed(c, j, j + weight * c.score) for c, j in zip(candidates, judged, strict=True)]
        return sorted(weighed, key=lambda each: -each.score)

    def answer(self, request: Request, beliefs: Beliefs, weighed: Sequence[Weighed]) -> Json:
        if not weighed:
            return _refusal(request, beliefs, 0.0)
        features = features_of(request, beliefs, [(w.judged, w.score, w.candidate) for w in weighed])
        confidence, possible = self._calibration.confidence(features), self._calibration.possible(features)
        if possible < self._calibration.refuse_below:
            return _refusal(request, beliefs, confidence)
        first = weighed[0].score
        shown = [
            self._shown(request, each, round(confidence * math.exp(min(0.0, each.score - first)), 4))
            for each in weighed[:ALTERNATIVES]
        ]
        if confidence < self._calibration.ask_below:
            reason = "the goal can be read in more than one way; choose a plan, or say it in other words"
            return {"answer": "unsure", "confidence": confidence, "reason": reason, "plans": shown}
        return {"answer": "plan", "confidence": confidence, "reason": "", "plans": shown}

    def _shown(self, request: Request, weighed: Weighed, confidence: float) -> Json:
        grounded = [
            {"step": step, "argument": each.operator, "value": each.value, "from": each.words}
            for step, each in weighed.candidate.conditions
        ]
        words = texts.PlanWords(request).of(weighed.candidate.steps)
        return {"steps": weighed.candidate.steps, "words": words[:2000], "confidence": confidence, "grounded": grounded}

    # -- beliefs ------------------------------------------------------------------------------------------------------

    def _shortlisted(self, request: Request) -> Request:
        """The request with at most `SHORTLIST` offers of those that are chosen by meaning."""
        offers = request.chosen_from
        if len(offers) <= SHORTLIST:
            return request
        pieces = windows(request.goal, 8)
        rows = self._reader.similar([offer.words for offer in offers], [request.words, *pieces])
        best = {offer.name: row[0] + max(row) for offer, row in zip(offers, rows, strict=True)}
        kept = set(sorted(best, key=lambda name: -best[name])[:SHORTLIST])
        named = {offer.name for offer in offers if spoken(offer.name).casefold() in request.goal.casefold()}
        return replace(request, offers=tuple(o for o in request.offers if o not in offers or o.name in kept | named))

    def beliefs(self, request: Request) -> Beliefs:
        offers = request.chosen_from
        first = self._reader.read(request.words, [("type", offer.words) for offer in offers])
        wants = dict(zip(texts.WANTS, map(_sigmoid, self._reader.wants(request.goal, shape_of(request))), strict=True))
        types = {offer.name: _sigmoid(x) for offer, x in zip(offers, first.branches, strict=True)}
        likely = sorted(offers, key=lambda offer: -types[offer.name])[:TYPES_AT_MOST]
        likely = [offer for offer in likely if types[offer.name] > 0.01] or likely[:2]
        bind = self._bind(request, likely)
        asked = _Asked()
        selecting = list(self._conditions(request, likely, wants, asked))
        tallying = list(_tallies(request, likely, wants, asked))
        literals = list(self._literals(request, likely, bind, wants, asked))
        found = self._reader.read(request.words, [("part", text) for text in asked.texts]).branches
        said = {text: _sigmoid(x) for text, x in zip(asked.texts, found, strict=True)}
        conditions = [replace(each, probability=said[text]) for text, each in selecting]
        conditions = sorted(conditions, key=lambda each: -each.probability)[:CONDITIONS]
        tallies = [replace(each, probability=said[text]) for text, each in tallying]
        tallies = sorted(tallies, key=lambda each: -each.probability)[:TALLYINGS]
        values: dict[tuple[str, str], list[tuple[Any, float]]] = {}
        for text, key, value in literals:
            values.setdefault(key, []).append((value, said[text]))
        found_so_far = Beliefs(wants, types, bind, values, conditions, tallies)
        return recalibrated(request, found_so_far, self._calibration.evidence)

    def _bind(self, request: Request, likely: Sequence[Offer]) -> dict[tuple[str, str, tuple[str, ...]], float]:
        """How well each source fits each parameter of the likely offers, and of those that may feed them."""
        found: dict[tuple[str, str, tuple[str, ...]], float] = {}
        asked: list[tuple[str, list[str]]] = []
        keys: list[list[tuple[str, str, tuple[str, ...]]]] = []
        for offer in likely:
            for parameter in offer.parameters:
                sources = list(_sources(request, offer, parameter))
                need = texts.needed(offer, parameter)
                fresh = []
                for key, text in sources:
                    if (need, text) in self._outputs:
                        found[offer.name, parameter.name, key] = self._outputs[need, text]
                    else:
                        fresh.append((key, text))
                if fresh:
                    asked.append((need, [text for _, text in fresh]))
                    keys.append([(offer.name, parameter.name, key) for key, _ in fresh])
        for (need, said), names, scores in zip(
            asked, keys, self._reader.read_many(asked, "bind") if asked else [], strict=True
        ):
            for text, name, x in zip(said, names, scores, strict=True):
                found[name] = _sigmoid(x)
                if name[2][0] == "out" and len(self._outputs) < KEPT_BINDS:
                    self._outputs[need, text] = found[name]
        return found

    def _conditions(
        self, request: Request, likely: Sequence[Offer], wants: Mapping[str, float], asked: _Asked
    ) -> Iterable[tuple[str, Condition]]:
        if wants["filter"] < 0.03:
            return
        goal = request.goal
        pieces = windows(goal)
        said, figures, days = spans(goal), numbers(goal), dates(goal)
        owners = [(offer.name, offer.leaves) for offer in likely]
        owners += [(owner_of(given), _leaves(given)) for given in request.given if given.items == "object"]
        for owner, fields in owners:
            for field in fields:
                for operator, value, words in self._values(field, pieces, said, figures, days):
                    yield (
                        asked.text(texts.condition(field, operator, value)),
                        Condition(owner, field, operator, value, 0.0, words),
                    )

    def _values(
        self, field: Field, pieces: Sequence[str], said: Sequence[str], figures: Sequence[Any], days: Sequence[Any]
    ) -> Iterable[tuple[str, Any, str]]:
        """(operator, value, the goal's words) that a field may be selected by."""
        if field.labels:
            yield from (("equals", label, words) for label, words in self._nearest(field, pieces))
        elif field.kind == "boolean":
            yield "equals", True, ""
            yield "equals", False, ""
        elif field.kind in NUMBERS:
            for number in figures:
                yield (number.operator or "equals"), number.value, number.words
        elif field.kind in ("string", "any") and (field.bounded is None or field.bounded <= 400):
            for words in said[:5]:
                yield "equals", words, words
            for day, operator in days:
                yield (operator or "equals"), day, day

    def _nearest(self, field: Field, pieces: Sequence[str]) -> list[tuple[Any, str]]:
        """The labels that the goal's words are nearest to, each with those words."""
        names = [f"{field.words} {spoken(label)}" for label in field.labels]
        rows = self._reader.similar([*names, *(spoken(label) for label in field.labels)], pieces)
        count = len(field.labels)
        found = []
        for number, label in enumerate(field.labels):
            row = [max(a, b) for a, b in zip(rows[number], rows[count + number], strict=True)]
            best = max(range(len(row)), key=row.__getitem__)
            found.append((row[best], label, pieces[best]))
        found.sort(key=lambda each: -each[0])
        return [(label, words) for _, label, words in found[:LABELS]]

    def _literals(
        self,
        request: Request,
        likely: Sequence[Offer],
        bind: Mapping[tuple[str, str, tuple[str, ...]], float],
        wants: Mapping[str, float],
        asked: _Asked,
    ) -> Iterable[tuple[str, tuple[str, str], Any]]:
        pieces, figures, said = windows(request.goal), numbers(request.goal), spans(request.goal)
        texts_inside = passages(request.goal)
        for offer in likely:
            for parameter in offer.parameters:
                bound = max(
                    (p for (t, name, _), p in bind.items() if (t, name) == (offer.name, parameter.name)), default=0.0
                )
                inside = texts_inside if parameter.required and bound < 0.5 else []
                for value in dict.fromkeys(
                    [*self._literal_values(parameter, pieces, figures, said, bound), *_held(parameter, inside)]
                ):
                    yield asked.text(texts.literal(parameter, value)), (offer.name, parameter.name), value

    def _literal_values(
        self, parameter: Parameter, pieces: Sequence[str], figures: Sequence[Any], said: Sequence[str], bound: float
    ) -> Iterable[Any]:
        if parameter.labels:
            field = Field(parameter.name, parameter.kind, parameter.labels)
            yield from (label for label, _ in self._nearest(field, pieces))
        elif parameter.kind == "boolean":
            yield from (True, False)
        elif parameter.kind in NUMBERS:
            whole = parameter.kind == "integer"
            yield from dict.fromkeys(n.value for n in figures if not whole or isinstance(n.value, int))
        elif parameter.kind == "string" and bound < 0.9:
            yield from (words for words in said[:5] if parameter.bounded is None or len(words) <= parameter.bounded)


def _key(input: Mapping[str, Any]) -> str:
    """The same for one goal over inputs of one shape and the same offers. Case counts: a value may be quoted."""
    goal = str(input["goal"]).strip()
    shapes = {name: each["schema"] for name, each in input["inputs"].items()}
    asked = json.dumps([goal, shapes, input["job_types"]], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _held(parameter: Parameter, passages: Sequence[str]) -> list[str]:
    """Texts of the goal that a parameter can hold."""
    if parameter.kind != "string" or parameter.labels:
        return []
    return [text for text in passages if parameter.bounded is None or len(text) <= parameter.bounded][:3]


class _Asked:
    """Texts to score, each once, in order."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._seen: set[str] = set()

    def text(self, text: str) -> str:
        if text not in self._seen:
            self._seen.add(text)
            self.texts.append(text)
        return text


def _tallies(
    request: Request, likely: Sequence[Offer], wants: Mapping[str, float], asked: _Asked
) -> Iterable[tuple[str, Tally]]:
    figures = numbers(request.goal)
    owners = [(offer.name, offer.leaves) for offer in likely[:4]]
    owners += [(owner_of(given), _leaves(given)) for given in request.given if given.items == "object"]
    for function in (*TALLIES, *ORDERS):
        if wants[function] < 0.04:
            continue
        for owner, fields in owners:
            for field in fields:
                if function in NUMERIC and (field.labels or field.kind not in (*NUMBERS, "any")):
                    continue
                if function in ORDERS and (field.labels or field.kind == "boolean") and function == "top":
                    continue
                text = asked.text(texts.by_field(function, field))
                for options in _options(function, figures, wants["descending"]):
                    yield text, Tally(function, owner, field, 0.0, options)


def _options(function: str, figures: Sequence[Any], descending: float) -> list[tuple[tuple[str, Any], ...]]:
    if function == "sort":
        return [(("descending", True),) if descending > 0.5 else ()]
    if function == "top":
        counts = [n.value for n in figures if isinstance(n.value, int) and 0 < n.value <= 1000 and n.operator is None]
        smallest = (("smallest", True),) if descending <= 0.5 else ()
        return [(("n", count), *smallest) for count in dict.fromkeys(counts or [1])][:2]
    return [()]


def _sources(request: Request, offer: Offer, parameter: Parameter) -> Iterable[tuple[tuple[str, ...], str]]:
    """(key, text) of all that may be given to a parameter, as far as the schemas say."""
    for given in request.given:
        if given.kind == "array" and parameter.takes(given.schema):
            yield ("list", given.name), texts.source_of_list(given)
        if not given.fields and parameter.takes(given.item_schema):
            yield ("item", given.name), texts.source_of_item(given)
        for field in given.fields:
            if parameter.takes(field.schema) or _element_fits(field, parameter):
                yield ("field", given.name, field.path), texts.source_of_field(given, field)
    for other in request.chosen_from:
        if other.name == offer.name:
            continue
        for field in other.fields:
            if parameter.takes(field.schema):
                yield ("out", other.name, field.path), texts.source_of_output(other, field)


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


def _refusal(request: Request, beliefs: Beliefs, confidence: float) -> Json:
    nearest = sorted(beliefs.types, key=lambda name: -beliefs.types[name])[:3]
    reason = "no job type is on offer"
    if nearest:
        reason = f"nothing on offer does this; nearest: {', '.join(nearest)}"
        lacking = missing(request, beliefs, nearest[0])
        if lacking and beliefs.types[nearest[0]] > LIKELY:
            names = ", ".join(repr(name) for name in lacking)
            reason = f"{nearest[0]} needs {names}, and nothing in the goal or its inputs gives it"
    return {"answer": "refused", "confidence": confidence, "reason": reason[:2000], "plans": []}


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))
