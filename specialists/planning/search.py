"""The search for plans: from probabilities of parts to whole plans that are well typed, the likeliest first.

A plan is job types applied in frames (once, for each item of a list), in chains where one takes what another gives,
and an end for what they gave: shown, selected, counted, ordered, gone on with. Knows no model: `Beliefs` has numbers.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

from specialists.planning.drafting import Column, Draft, Place, Rows, names_of, reference, rows_of
from specialists.planning.offers.field import Field
from specialists.planning.offers.given import Given
from specialists.planning.offers.offer import Offer
from specialists.planning.offers.parameter import Parameter
from specialists.planning.offers.request import Request
from specialists.schemas import Json

#: Functions of one field that end a plan, and the name of the list that some of them hand on.
TALLIES = ("count", "sum", "average", "min", "max", "unique", "pick", "group")
ORDERS = ("sort", "top")
NUMERIC = frozenset({"sum", "average", "min", "max"})
NUMBERS = frozenset({"number", "integer"})
ALONE = "\0alone"  #: the frame of what is done once
INPUTS = "inputs."  #: before an input's name: no job type's has a dot
OF = "\1"  #: in a frame: between a job type and the path of a list that it gives
AGAIN = "\0again"  #: behind the name of a job type that is applied a second time

TYPES_AT_MOST = 6
CORES = 14
ENDS = 28
DEEPEST_CHAIN = 3
BESIDE = 0.5  #: of a choice of job types: how much it counts beside the likeliest of as many
HELPER = 2.0  #: what a job type costs that is there for another's sake alone
PICKS = 256  #: ways to fill a job type's parameters that are looked at in each frame
FLOOR = 1e-4
MAY_BE_MEANT = 0.15  #: a source of a parameter that can be left out
UNLIKELY = 0.15  #: of a source that is probably not meant


@dataclass(frozen=True)
class Condition:
    """What items may be selected by."""

    owner: str  #: a job type's name, or an input's as `owner_of` says it
    field: Field
    operator: str  #: as `filter` calls it
    value: Any
    probability: float
    words: str = ""  #: of the goal, that it was grounded from
    negate: bool = False  #: all others are selected


@dataclass(frozen=True)
class Tally:
    """A function of a field."""

    function: str
    owner: str
    field: Field
    probability: float
    options: tuple[tuple[str, Any], ...] = ()  #: its other arguments


@dataclass
class Beliefs:
    """How likely each part is, from the goal."""

    wants: Mapping[str, float]
    types: Mapping[str, float]  #: of every offer that may be chosen
    bind: Mapping[tuple[str, str, tuple[str, ...]], float]  #: type, parameter, source's key -> probability
    literals: Mapping[tuple[str, str], Sequence[tuple[Any, float]]]  #: type, parameter -> values
    conditions: Sequence[Condition] = ()
    tallies: Sequence[Tally] = ()
    known: frozenset[str] = frozenset()  #: types that the layer over whole goals knows


@dataclass(frozen=True)
class Argument:
    """Where a parameter's value is from: one of the three."""

    place: Place | None = None  #: of an input, or (owner a job type's name) of what that gives
    literal: Any = None
    alone: bool = False  #: `place` is not of the frame's element: the same for all


@dataclass(frozen=True)
class Application:
    offer: Offer
    frame: str  #: an input's name, `name.path` of a list inside it, `type:path` of a list that a type gives, or ALONE
    arguments: tuple[tuple[str, Argument], ...]
    feeds: tuple[str, ...]  #: job types whose outputs it takes
    score: float
    again: bool = False  #: the same job type is applied elsewhere too

    @property
    def name(self) -> str:
        """Among the applications of a core."""
        return self.offer.name + AGAIN if self.again else self.offer.name


@dataclass(frozen=True)
class Core:
    """Job types applied, each with what feeds it, in an order in which they can run."""

    applications: tuple[Application, ...]
    shown: tuple[str, ...]  #: whose outputs are the answer, where nothing else is asked
    types: float  #: logarithm of the probability of just these job types
    bind: float = 0.0  #: ... of where their arguments are from
    odd: float = 0.0  #: what unusual forms cost

    @property
    def score(self) -> float:
        return WEIGHTS.types * self.types + WEIGHTS.bind * self.bind + self.odd


@dataclass(frozen=True)
class End:
    """What becomes of one frame's rows."""

    shown: tuple[str, ...] = ()
    condition: Condition | None = None
    then: tuple[str, ...] = ()  #: types that only what was selected is given to
    tally: Tally | None = None
    elements: bool = False  #: what is selected are elements of the lists that each item has, not the items

    @property
    def needs(self) -> set[str]:
        """Job types that it looks at."""
        owners = {part.owner for part in (self.condition, self.tally) if part}
        return {*self.shown, *self.then, *owners}


@dataclass(frozen=True)
class Weights:
    """How much each of a plan's logarithms counts in the order of plans; fitted on goals held out."""

    types: float = 1.0
    bind: float = 0.6
    parts: float = 1.0
    wants: float = 1.0


WEIGHTS = Weights()


@dataclass
class Candidate:
    score: float
    steps: list[Json]
    conditions: tuple[tuple[str, Condition], ...] = ()  #: step id, what it selects by
    core: Core | None = None
    ends: tuple[End, ...] = ()
    parts: float = 0.0  #: logarithm of the share of its values and fields
    wants: float = 0.0  #: ... of what it does beyond its job types


def owner_of(given: Given) -> str:
    """How an input is named among job types: as references name it, so that none is taken for the other."""
    return INPUTS + given.name


def search(request: Request, beliefs: Beliefs, most: int = 24) -> list[Candidate]:
    """Up to `most` different plans, the likeliest first. None, where nothing on offer can be bound."""
    return _Search(request, beliefs).candidates(most)


def missing(request: Request, beliefs: Beliefs, name: str) -> list[str]:
    """Required parameters of the job type `name` that nothing at hand is likely to be for."""
    return _Search(request, beliefs).missing(request.by_name[name])


class _Search:
    def __init__(self, request: Request, beliefs: Beliefs) -> None:
        self._request = request
        self._beliefs = beliefs
        self._functions = {offer.name for offer in request.offers if offer.function}
        ranked = sorted(request.chosen_from, key=lambda offer: -beliefs.types.get(offer.name, 0.0))
        self._offers = ranked
        self._likely = [o for o in ranked[:TYPES_AT_MOST] if beliefs.types.get(o.name, 0.0) > 0.01] or ranked[:2]
        self._given = {owner_of(given): given for given in request.given}
        self._memo: dict[tuple[str, str, frozenset[str]], list[Application]] = {}

    def candidates(self, most: int) -> list[Candidate]:
        found: list[tuple[float, int, Core, tuple[float, float], tuple[End, ...]]] = []
        for core in self._cores():
            for parts, wants, ends in self._endings(core):
                score = core.score + WEIGHTS.parts * parts + WEIGHTS.wants * wants
                found.append((score, len(found), core, (parts, wants), ends))
        built: list[Candidate] = []
        seen: set[str] = set()
        for score, _, core, terms, ends in sorted(found, key=lambda each: (-each[0], each[1])):
            candidate = _Writer(self._request, core, self._given).write(ends, score)
            candidate.parts, candidate.wants = terms
            key = repr([{k: v for k, v in step.items() if k != "id"} for step in candidate.steps])
            if candidate.steps and key not in seen:
                seen.add(key)
                built.append(candidate)
            if len(built) >= most:
                break
        return built

    # -- job types, applied -------------------------------------------------------------------------------------------

    def _cores(self) -> list[Core]:
        found: list[Core] = []
        for count in range(4):
            for chosen in combinations(self._likely, count):
                found += self._applied(chosen)
        found += self._twice()
        best: dict[str, Core] = {}
        for core in found:
            key = repr((core.shown, sorted((a.name, a.frame, a.arguments) for a in core.applications)))
            if key not in best or best[key].score < core.score:
                best[key] = core
        return heapq.nlargest(CORES, best.values(), key=lambda core: core.score)

    def _twice(self) -> Iterator[Core]:
        """One job type for each of two inputs (or of two fields of one)."""
        for offer in self._likely[:3]:
            ways = [way for way in self._ways(offer) if not way.feeds]
            for one, other in combinations(ways, 2):
                if one.frame != other.frame or one.frame != ALONE:
                    pair = (one, replace(other, again=True))
                    types = self._types_score([offer.name])
                    yield Core(pair, (offer.name, offer.name + AGAIN), types, one.score + other.score, -1.0)

    def _applied(self, chosen: Sequence[Offer]) -> Iterator[Core]:
        """Ways to apply all of `chosen`, with helpers that feed them."""
        if not chosen:
            if any(given.items == "object" for given in self._request.given):
                yield Core((), (), self._types_score(()))
            return
        choices = [self._ways(offer) for offer in chosen]
        for picked in product(*choices):
            applications: dict[str, Application] = {}
            for application in picked:
                applications[application.name] = application
            if all(self._feed(application, applications, 0) for application in picked):
                ordered = _in_order(applications)
                if ordered is None or not all(_uses_item(each, applications) for each in ordered):
                    continue
                bind, types = sum(each.score for each in ordered), self._types_score([a.name for a in ordered])
                fed = {name for each in ordered for name in each.feeds}
                ends = tuple(offer.name for offer in chosen if offer.name not in fed)
                yield Core(tuple(ordered), ends, types, bind)
                if len(ends) < len(chosen):
                    yield Core(tuple(ordered), tuple(offer.name for offer in chosen), types, bind, -0.5)

    def _feed(self, application: Application, applications: dict[str, Application], depth: int) -> bool:
        """Add what feeds `application`, in its frame or alone; False where nothing can."""
        for name in application.feeds:
            if name in applications:
                if not self._may_feed(applications[name], application):
                    return False
                continue
            if depth >= DEEPEST_CHAIN:
                return False
            offer = self._request.by_name[name]
            ways = [way for way in self._ways(offer) if self._may_feed(way, application)]
            if not ways:
                return False
            applications[name] = ways[0]
            if not self._feed(ways[0], applications, depth + 1):
                return False
        return True

    def _may_feed(self, feeder: Application, application: Application) -> bool:
        """Whether what `feeder` gives is at hand where `application` runs: for the same item, or once for all.

        Where that goes over a list that each of many gave, the lists are made one."""
        if application.frame.startswith(f"{feeder.name}{OF}"):
            return feeder.frame == ALONE or "flatten" in self._functions
        return feeder.frame in (application.frame, ALONE)

    def _types_score(self, used: Iterable[str]) -> float:
        """How likely just these job types are: half by themselves, half beside the likeliest ones of that number.

        How many types a goal needs is said by what it wants rather than by each type's own probability."""
        names = {name.removesuffix(AGAIN) for name in used}
        likely = {offer.name for offer in self._likely}
        helpers = names - likely
        own = self._types_log(names & likely)
        best = self._types_log({offer.name for offer in self._likely[: len(names & likely)]})
        return (1 - BESIDE) * own + BESIDE * (own - best) - HELPER * len(helpers)

    def _types_log(self, names: set[str]) -> float:
        score = 0.0
        for offer in self._likely:
            p = self._beliefs.types.get(offer.name, 0.0)
            score += _log(p) if offer.name in names else _log(1 - p)
        return score

    def _ways(self, offer: Offer) -> list[Application]:
        """The likeliest ways to apply `offer`, over all frames."""
        key = (offer.name, "", frozenset[str]())
        if key not in self._memo:
            self._memo[key] = []  # while it is looked for it feeds nobody: no cycles
            found = [way for frame in self._frames(offer) for way in self._in_frame(offer, frame)]
            self._memo[key] = heapq.nlargest(3, found, key=lambda way: way.score)
        return self._memo[key]

    def _frames(self, offer: Offer) -> Iterator[str]:
        yield ALONE
        for given in self._request.given:
            if given.kind == "array":
                yield owner_of(given)
            for each in given.fields:
                if each.kind == "array" and not each.lists and given.kind == "object":
                    yield f"{owner_of(given)}.{each.path}"
        for other in self._likely:
            if other is not offer:
                for each in other.fields:
                    if each.kind == "array" and not each.lists:
                        yield f"{other.name}{OF}{each.path}"

    def _in_frame(self, offer: Offer, frame: str) -> list[Application]:
        options = []
        for parameter in offer.parameters:
            found = list(self._arguments(offer, parameter, frame))
            best: list[tuple[Argument | None, float]] = [*heapq.nlargest(3, found, key=lambda each: each[1])]
            if not parameter.required:
                best = [(argument, p) for argument, p in best if p > MAY_BE_MEANT]
                best.append((None, 1 - max((p for _, p in best), default=0.05)))
            if not best:
                return []
            options.append([(parameter.name, argument, p) for argument, p in best])
        ways = []
        for picked in _likeliest(options):
            arguments = [(name, argument) for name, argument, _ in picked if argument is not None]
            if frame != ALONE and not any(a.place and not a.alone for _, a in arguments):
                continue
            if frame == ALONE and any(a.place and not a.alone for _, a in arguments):
                continue
            score = sum(_log(p) for _, _, p in picked)
            places = [a.place for _, a in arguments if a.place]
            score -= 1.5 * (len(places) - len(set(places)))
            owners = [p.owner for p in places] + ([frame.partition(OF)[0]] if OF in frame else [])
            feeds = tuple(dict.fromkeys(owner for owner in owners if not owner.startswith(INPUTS)))
            ways.append(Application(offer, frame, tuple(arguments), feeds, score))
        return heapq.nlargest(2, ways, key=lambda way: way.score)

    def _arguments(self, offer: Offer, parameter: Parameter, frame: str) -> Iterator[tuple[Argument, float]]:
        bind = self._beliefs.bind

        def belief(*key: str) -> float:
            return bind.get((offer.name, parameter.name, key), 0.0)

        for owner, given in self._given.items():
            if owner == frame:
                if not given.fields and parameter.takes(given.item_schema) and parameter.holds(given.seen):
                    yield Argument(Place(owner)), belief("item", given.name)
                for each in given.fields:
                    if not each.lists and _may_give(given, each, parameter):
                        yield Argument(Place(owner, each.path)), belief("field", given.name, each.path)
                continue
            if frame.startswith(f"{owner}."):
                inner = frame[len(owner) + 1 :]
                for each in given.fields:
                    if each.lists == (inner,) and _may_give(given, each, parameter):
                        yield (
                            Argument(Place(owner, each.path[len(inner) + 1 :])),
                            belief("field", given.name, each.path),
                        )
                whole = next((each for each in given.fields if each.path == inner), None)
                bare = not any(each.path.startswith(f"{inner}.") for each in given.fields)
                inside = [value for values in given.seen_at(inner) if isinstance(values, list) for value in values]
                if whole and bare and parameter.takes(whole.schema.get("items", {})) and parameter.holds(inside):
                    yield Argument(Place(owner)), belief("field", given.name, inner)
                continue
            if given.kind == "array":
                if parameter.takes(given.schema) and parameter.holds([given.sample]):
                    yield Argument(Place(owner), alone=True), belief("list", given.name)
                continue
            if not given.fields and parameter.takes(given.schema) and parameter.holds(given.seen):
                yield Argument(Place(owner), alone=True), belief("item", given.name)
            for each in given.fields:
                if not each.lists and _may_give(given, each, parameter):
                    yield Argument(Place(owner, each.path), alone=True), belief("field", given.name, each.path)
        for other in self._offers[: TYPES_AT_MOST + 4]:
            if other is offer:
                continue
            for each in other.fields:
                p = belief("out", other.name, each.path)
                if p < 0.02 or not _field_fits(each, parameter):
                    continue
                list_frame = frame.startswith(f"{other.name}{OF}")
                if list_frame and each.lists and frame == f"{other.name}{OF}{each.lists[-1]}":
                    yield Argument(Place(other.name, each.path[len(each.lists[-1]) + 1 :])), p
                elif list_frame and each.kind == "array" and frame == f"{other.name}{OF}{each.path}":
                    continue
                elif not each.lists and not list_frame:
                    # the element's own where the frame goes over a list, else of what is done once
                    yield Argument(Place(other.name, each.path), alone=frame == ALONE), p
            if frame.startswith(f"{other.name}{OF}"):
                path = frame[len(other.name) + 1 :]
                whole = next(field for field in other.fields if field.path == path)
                bare = not any(field.lists and field.lists[-1] == path for field in other.fields)
                if bare and parameter.takes(whole.schema.get("items", {})):
                    yield Argument(Place(other.name)), belief("out", other.name, path)
        for value, p in self._beliefs.literals.get((offer.name, parameter.name), ()):
            yield Argument(literal=value), p

    def missing(self, offer: Offer) -> list[str]:
        best: dict[str, float] = {}
        for frame in self._frames(offer):
            for parameter in offer.required:
                p = max((p for _, p in self._arguments(offer, parameter, frame)), default=0.0)
                best[parameter.name] = max(best.get(parameter.name, 0.0), p)
        return [name for name, p in best.items() if p < UNLIKELY]

    # -- ends ---------------------------------------------------------------------------------------------------------

    def _endings(self, core: Core) -> list[tuple[float, float, tuple[End, ...]]]:
        """Ends of all frames, each with the logarithms of its parts and of what it wants."""
        frames = list(dict.fromkeys(a.frame for a in core.applications if a.name in core.shown))
        if not core.applications:
            lists = [owner_of(given) for given in self._request.given if given.items == "object"]
            return self._scored(core, [((end,), s) for name in lists for s, end in self._frame_ends(core, name, ())])
        single: list[list[tuple[float, End]]] = []
        for frame in frames:
            shown = tuple(a.name for a in core.applications if a.name in core.shown and a.frame == frame)
            here = self._scored(core, [((end,), parts) for parts, end in self._frame_ends(core, frame, shown)])
            single.append([(parts, end) for parts, _, (end,) in here])
        ends: list[tuple[tuple[End, ...], float]] = []
        if len(single) == 1:
            ends = [((end,), score) for score, end in single[0]]
            if self._beliefs.wants.get("ends", 0.0) > 0.15:
                ends += [
                    ((one, other), a + b)
                    for (a, one), (b, other) in combinations(single[0][:6], 2)
                    if not (set(one.then) & other.needs or set(other.then) & one.needs)
                ]
        else:
            for picked in product(*(each[:5] for each in single)):
                ends.append((tuple(end for _, end in picked), sum(score for score, _ in picked)))
        if self._beliefs.wants.get("ends", 0.0) > 0.15:
            ends += [((*one, other), a + b) for one, a in ends[:6] for b, other in self._untyped_ends(core, frames)]
        return self._scored(core, ends)

    def _scored(
        self, core: Core, ends: Iterable[tuple[tuple[End, ...], float]]
    ) -> list[tuple[float, float, tuple[End, ...]]]:
        scored = [(parts, self._wants_score(core, each), each) for each, parts in ends]
        return heapq.nlargest(ENDS, scored, key=lambda each: WEIGHTS.parts * each[0] + WEIGHTS.wants * each[1])

    def _untyped_ends(self, core: Core, frames: Sequence[str]) -> list[tuple[float, End]]:
        """Ends over inputs that no job type goes over."""
        lists = [owner_of(given) for given in self._request.given if given.items == "object"]
        free = [owner for owner in lists if owner not in frames]
        return heapq.nlargest(
            4, (each for name in free for each in self._frame_ends(core, name, ())), key=lambda e: e[0]
        )

    def _frame_ends(self, core: Core, frame: str, shown: tuple[str, ...]) -> Iterator[tuple[float, End]]:
        """Ends of one frame, each with the score of its parts (not of what is wanted)."""
        if len(shown) == 1 and shown[0].endswith(AGAIN):
            first = shown[0].removesuffix(AGAIN)
            plain = replace(core, applications=tuple(replace(a, again=not a.again) for a in core.applications))
            for score, end in self._frame_ends(plain, frame, (first,)):
                yield score, _renamed(end, first, shown[0])
            return
        here = {a.name for a in core.applications if a.frame == frame}
        listed = {a.name for a in core.applications if a.frame == frame and (frame != ALONE or _has_list(a.offer))}
        owners = listed | ({frame} if frame in self._given else set())
        fed = {name for application in core.applications for name in application.feeds}
        if shown:
            yield 0.0, End(shown)
        tallies = [
            t
            for t in self._beliefs.tallies
            if t.owner in owners and t.function in self._functions and (frame != ALONE or t.field.lists) and _adds_up(t)
        ]
        weighed = list(zip(tallies, _beside_best(tallies), strict=True))
        for tally, part in weighed:
            yield part, End(shown, tally=tally)
        if frame == ALONE and not listed:
            return
        conditions = [each for each in self._conditions(owners) if frame != ALONE or each.field.lists]
        for condition, base in zip(conditions, _beside_best(conditions), strict=True):
            yield base, End(shown, condition)
            is_inside = len(condition.field.lists) == 1 and condition.owner in here
            if frame != ALONE and is_inside and "flatten" in self._functions:
                yield base, End(tuple(each for each in shown if each != condition.owner), condition, elements=True)
            for tally, part in weighed:
                if frame == ALONE and (tally.owner, tally.field.lists) != (condition.owner, condition.field.lists):
                    continue
                yield base + part, End(shown, condition, tally=tally)
            for name in shown:
                if name != condition.owner and name not in fed and len(here) > 1 and frame != ALONE:
                    rest = tuple(other for other in shown if other != name)
                    yield base, End(rest, condition, then=(name,))
                    for tally, part in weighed:
                        if tally.owner == name:
                            yield base + part, End(rest, condition, (name,), tally)

    def _conditions(self, owners: set[str]) -> list[Condition]:
        if "filter" not in self._functions:
            return []
        found = [each for each in self._beliefs.conditions if each.owner in owners][:8]
        if self._beliefs.wants.get("negate", 0.0) > 0.1:
            found += [replace(each, negate=True) for each in found[:4]]
        return found

    def _wants_score(self, core: Core, ends: Sequence[End]) -> float:
        used = wants_used(core, ends)
        score = 0.0
        for want, p in self._beliefs.wants.items():
            if want == "impossible":
                continue
            score += _log(p) if want in used else _log(1 - p)
        return score


def wants_used(core: Core, ends: Sequence[End]) -> set[str]:
    """What a plan does beyond its job types, as `texts.WANTS` names it."""
    used = set()
    for end in ends:
        if end.condition:
            used.add("filter")
            if end.condition.operator not in ("equals", "any_of", "contains"):
                used.add("number")
            if end.condition.negate:
                used.add("negate")
        if end.elements:
            used.add("flatten")
        if end.then:
            used.add("then")
        if end.tally:
            used.add(end.tally.function)
            options = dict(end.tally.options)
            if options.get("descending") or (end.tally.function == "top" and not options.get("smallest")):
                used.add("descending")
        elif len(end.shown) > 1 and not end.condition:
            used.add("pair")
    if len(ends) > 1:
        used.add("ends")
    if any(application.feeds for application in core.applications):
        used.add("chain")
    frames = {application.name: application.frame for application in core.applications}
    if any(OF in frame and frames.get(frame.partition(OF)[0], ALONE) != ALONE for frame in frames.values()):
        used.add("flatten")
    if core.applications and all(a.frame == ALONE for a in core.applications):
        used.add("single")
    if any(a.literal is not None for each in core.applications for _, a in each.arguments):
        used.add("literal")
    if not core.applications:
        used.add("untyped")
    return used


def _renamed(end: End, old: str, new: str) -> End:
    """`end` with what belongs to one application belonging to another of the same type."""
    condition, tally = end.condition, end.tally
    if condition and condition.owner == old:
        condition = replace(condition, owner=new)
    if tally and tally.owner == old:
        tally = replace(tally, owner=new)
    shown = tuple(new if name == old else name for name in end.shown)
    then = tuple(new if name == old else name for name in end.then)
    return replace(end, shown=shown, condition=condition, then=then, tally=tally)


class _Writer:
    """Writes a core and its ends as steps."""

    def __init__(self, request: Request, core: Core, given: Mapping[str, Given]) -> None:
        self._request = request
        self._core = core
        self._given = given
        self._draft = Draft()
        self._rows: dict[str, Rows] = {}
        self._alone: dict[str, str] = {}  #: type -> the step that it is applied in once
        self._selected: list[tuple[str, Condition]] = []

    def write(self, ends: Sequence[End], score: float) -> Candidate:
        later = {name for end in ends for name in end.then}
        for application in self._core.applications:
            if application.name not in later:
                self._apply(application)
        for end in ends:
            self._end(end)
        return Candidate(score, self._draft.steps, tuple(self._selected), self._core, tuple(ends))

    def _apply(self, application: Application, rows: Rows | None = None) -> Rows | None:
        """In its frame; `rows`: instead of those, what was selected of them."""
        fixed: Json = {}
        bound: list[tuple[str, Place]] = []
        for name, argument in application.arguments:
            if argument.place is None:
                fixed[name] = argument.literal
            elif argument.alone or self._is_alone(argument.place.owner, application.frame):
                fixed[name] = reference(self._path_alone(argument.place))
            else:
                bound.append((name, argument.place))
        if application.frame == ALONE:
            self._alone[application.name] = self._draft.apply(application.offer, fixed)
            return None
        before = rows or self._frame_rows(application.frame)
        after, step = self._draft.apply_each(application.offer, before, bound, fixed)
        names = names_of(application.offer.fields)
        grown = self._draft.with_column(after if rows else before, application.name, step, names)
        if rows is None:
            self._rows[application.frame] = grown
        return grown

    def _is_alone(self, owner: str, frame: str) -> bool:
        """Whether `owner` is applied once, and its list is not what `frame` goes over."""
        return owner in self._alone and owner != frame.partition(OF)[0]

    def _path_alone(self, place: Place) -> str:
        head = self._alone.get(place.owner, place.owner)  # an input's owner is its reference
        return f"{head}.{place.path}" if place.path else head

    def _frame_rows(self, frame: str) -> Rows:
        if frame not in self._rows:
            name, colon, path = frame.partition(OF)
            if colon:
                offer = self._request.by_name[name]
                inner = [
                    f.path[len(path) + 1 :].partition(".")[0] for f in offer.fields if f.path.startswith(f"{path}.")
                ]
                ref = f"{self._alone[name]}.{path}" if name in self._alone else self._flat(name, path)
                self._rows[frame] = Rows([Column(name, ref, tuple(dict.fromkeys(inner)))])
            else:
                owner = next(each for each in self._given if frame == each or frame.startswith(f"{each}."))
                self._rows[frame] = rows_of(self._given[owner], path=frame[len(owner) + 1 :])
        return self._rows[frame]

    def _flat(self, name: str, path: str) -> str:
        """A reference to the lists that a type gave for each of many, made one."""
        [step] = [column.ref for rows in self._rows.values() for column in rows.columns if column.owner == name][:1]
        return f"{self._draft.add('flatten', {'items': reference(f'{step}[].{path}')})}.items"

    def _end(self, end: End) -> None:
        by_name = {a.name: a for a in self._core.applications}
        frame = self._frame_of(end, by_name)
        if frame == ALONE:
            self._end_alone(end)
            return
        if end.elements and end.condition:
            (path,) = end.condition.field.lists
            ref = self._flat(end.condition.owner, path)
            self._select(self._inner_rows(end.condition.owner, ref, path), end.condition, end.condition.owner, path)
            return
        rows = self._frame_rows(frame)
        if end.condition:
            rows = self._select(rows, end.condition, end.condition.owner)
        for name in end.then:
            grown = self._apply(by_name[name], rows)
            assert grown is not None
            rows = grown
        if end.tally:
            self._tally(rows, end.tally)
        elif not end.condition and len(end.shown) > 1:
            wanted = [c for c in rows.columns if c.owner in (frame, *end.shown) or c.owner not in by_name]
            self._draft.merge(Rows(wanted, rows.merged, rows.named))

    def _frame_of(self, end: End, by_name: Mapping[str, Application]) -> str:
        names = [*end.shown, *end.then]
        owner = end.tally.owner if end.tally else end.condition.owner if end.condition else ""
        if names:
            return by_name[names[0]].frame
        return by_name[owner].frame if owner in by_name else owner

    def _end_alone(self, end: End) -> None:
        """Over a list that a type gave which was applied once."""
        part = end.tally or end.condition
        if part is None:
            return
        path = part.field.lists[-1] if part.field.lists else ""
        if not path:
            return
        rows = self._inner_rows(part.owner, f"{self._alone[part.owner]}.{path}", path)
        if end.condition:
            rows = self._select(rows, end.condition, part.owner, path)
        if end.tally:
            self._tally(rows, end.tally, path)

    def _inner_rows(self, owner: str, ref: str, path: str) -> Rows:
        """Elements of the list at `path` that a type gives; `ref`: to them."""
        offer = self._request.by_name[owner.removesuffix(AGAIN)]
        names = [f.path[len(path) + 1 :].partition(".")[0] for f in offer.fields if f.path.startswith(f"{path}.")]
        return Rows([Column(owner, ref, tuple(dict.fromkeys(names)))])

    def _select(self, rows: Rows, condition: Condition, owner: str, inside: str = "") -> Rows:
        place = Place(owner, condition.field.path[len(inside) + 1 :] if inside else condition.field.path)
        if rows.merged is None and len(rows.columns) > 1:
            rows = self._draft.merge(rows)
        ref = rows.merged or rows.columns[0].ref
        name = self._draft.item_path(rows, place)
        args: Json = {"items": reference(ref), "field": name, condition.operator: condition.value}
        step = self._draft.add("filter", args | ({"negate": True} if condition.negate else {}))
        self._selected.append((step, condition))
        if rows.merged is None:
            column = rows.columns[0]
            return Rows([Column(column.owner, f"{step}.items", column.names)])
        return Rows(rows.columns, f"{step}.items", rows.named)

    def _tally(self, rows: Rows, tally: Tally, inside: str = "") -> None:
        place = Place(tally.owner, tally.field.path[len(inside) + 1 :] if inside else tally.field.path)
        if tally.function in (*ORDERS, "group"):
            rows = self._draft.merge(rows) if rows.merged is None and len(rows.columns) > 1 else rows
        elif rows.merged is None:
            rows = Rows([column for column in rows.columns if column.owner == tally.owner])
        if rows.merged is not None and (place.owner, place.path.partition(".")[0]) not in rows.named and rows.columns:
            apart = [
                column
                for column in rows.columns
                if column.owner == tally.owner and column.owner not in {o for o, _ in rows.named}
            ]
            rows = Rows(apart) if apart else rows
        ref = rows.merged or rows.columns[0].ref
        field_path = self._draft.item_path(rows, place)
        args: Json = {"items": reference(ref), **({"field": field_path} if field_path else {}), **dict(tally.options)}
        self._draft.add(tally.function, args)


def _beside_best(parts: Sequence[Condition] | Sequence[Tally]) -> list[float]:
    """The logarithm of each part's probability beside the likeliest that could stand in its place.

    Whether a goal selects at all is decided by what it wants: many values that share the probability must not count
    against selecting."""
    names = [part.function if isinstance(part, Tally) else "filter" for part in parts]
    likely = [part.probability for part in parts]
    best: dict[str, float] = {}
    for name, p in zip(names, likely, strict=True):
        best[name] = max(best.get(name, FLOOR), p)
    return [_log(p / best[name]) for name, p in zip(names, likely, strict=True)]


def _adds_up(tally: Tally) -> bool:
    """Whether a function of numbers is of a field that may hold numbers."""
    return (
        tally.function not in NUMERIC or tally.field.kind in NUMBERS or not (tally.field.labels or _enumerated(tally))
    )


def _enumerated(tally: Tally) -> bool:
    return "enum" in tally.field.schema or tally.field.kind == "boolean"


def _uses_item(application: Application, applications: Mapping[str, Application]) -> bool:
    """Whether what goes over a list takes anything from its items."""
    if application.frame == ALONE:
        return True
    over = application.frame.partition(OF)[0]
    for _, argument in application.arguments:
        if argument.place and not argument.alone:
            feeder = applications.get(argument.place.owner)
            if feeder is None or feeder.frame != ALONE or feeder.name == over:
                return True
    return False


def _in_order(applications: Mapping[str, Application]) -> list[Application] | None:
    """Feeders first; None: they feed each other."""
    left, ordered = dict(applications), []
    while left:
        free = [a for a in left.values() if not any(name in left for name in a.feeds)]
        if not free:
            return None
        ordered += free
        for application in free:
            del left[application.name]
    return ordered


def _likeliest(options: Sequence[Sequence[tuple[str, Argument | None, float]]]) -> list[Any]:
    """Ways to pick one of each, the likeliest: as many as four parameters have, whatever their number."""
    found: list[tuple[float, Any]] = [(0.0, ())]
    for each in options:
        grown = ((score + _log(pick[2]), (*picked, pick)) for score, picked in found for pick in each)
        found = heapq.nlargest(PICKS, grown, key=lambda way: way[0])
    return [picked for _, picked in found]


def _has_list(offer: Offer) -> bool:
    return any(each.kind == "array" for each in offer.fields)


def _may_give(given: Given, each: Field, parameter: Parameter) -> bool:
    """Whether a field of an input can be given: as its schema says, and as what is seen of it is."""
    return each.sure and _field_fits(each, parameter) and parameter.holds(given.seen_at(each.path))


def _field_fits(each: Field, parameter: Parameter) -> bool:
    return parameter.takes(each.schema)


def _log(p: float) -> float:
    return math.log(max(p, FLOOR))
