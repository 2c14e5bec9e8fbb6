"""Goals over lists and texts, with their plans: made-up training data for the planner. Knows no model.

A *template* is a way to put a goal into words together with the shape of its plan; a held-out template occurs in no
training goal, whatever job types, lists or distractors fill it. The words stand in `planner/wordings.toml`.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from specialists.examples import Example
from specialists.schemas import Json

#: Goals in a row that were made before: there are no others, or hardly any.
PATIENCE = 1000


class GoalsError(ValueError):
    """So many goals cannot be made of these texts."""


@dataclass(frozen=True)
class Skill:
    """A job type over one text, and how people ask for it. `{x}` is the text or texts."""

    name: str
    returns: list[str]
    field: str  #: what is counted and filtered by
    asks: list[str]
    kinds: list[str]  #: names of what `field` holds, plural
    values: list[str]  #: some values of `field`, in words

    def offer(self) -> Json:
        return _offer(self.name, {"text": "string"}, self.returns)


def _offer(name: str, params: dict[str, str], returns: Sequence[str]) -> Json:
    return {"name": name, "params": params, "required": list(params), "returns": list(returns)}


OWN = ("triage", "entities", "command")
TOOLS = (
    _offer("table", {"columns": "array"}, ["rows"]),
    _offer("count", {"items": "array", "field": "string"}, ["counts", "total"]),
    _offer("filter", {"items": "array", "field": "string", "equals": "string"}, ["items", "kept"]),
)
WORDINGS = Path(__file__).parents[1] / "planner" / "wordings.toml"


@dataclass(frozen=True)
class Wordings:
    skills: tuple[Skill, ...]
    sentences: dict[str, list[str]]  #: shape -> ways to ask for it
    held_out: dict[str, list[str]]  #: those that no training goal has
    manners: dict[str, list[str]]  #: what may be said before and after
    nouns: list[str]
    singulars: list[str]
    record_fields: dict[str, list[str]]
    record_values: list[str]


@cache
def wordings() -> Wordings:
    words: dict[str, Any] = tomllib.loads(WORDINGS.read_text())
    skills = tuple(Skill(**skill) for skill in words.pop("skills"))
    return Wordings(skills=skills, **words)


@dataclass
class Scene:
    """What fills a template: drawn once a goal, so that words and plan agree."""

    draw: random.Random
    texts: Sequence[str]
    noun: str
    given: str  #: the input's name
    one: Skill
    two: Skill

    def ask(self, skill: Skill, x: str) -> str:
        return self.draw.choice(skill.asks).replace("{x}", x)

    @property
    def kinds(self) -> str:
        return self.draw.choice(self.one.kinds)

    @property
    def value(self) -> str:
        return self.draw.choice(self.one.values)


def _ref(path: str) -> Json:
    return {"$ref": path}


def _each(number: int, skill: Skill, over: str, text: str = "item") -> Json:
    args = {"text": _ref(text)}
    return {"id": f"s{number}", "type": skill.name, "map": {"over": _ref(over), "as": "item"}, "args": args}


def _step(number: int, kind: str, **args: object) -> Json:
    return {"id": f"s{number}", "type": kind, "args": args}


def _count(number: int, items: str, field: str) -> Json:
    return _step(number, "count", items=_ref(items), field=field)


def _table(number: int, *columns: str) -> Json:
    return _step(number, "table", columns=[_ref(column) for column in columns])


def _filter(number: int, items: str, field: str, equals: str) -> Json:
    return _step(number, "filter", items=_ref(items), field=field, equals=equals)


@dataclass(frozen=True)
class Shape:
    """Plans of one form. The sentences that ask for them stand under its name in the wordings."""

    name: str
    steps: Callable[[Scene, str], list[Json]]  #: (scene, value) -> the plan
    given: str = "list"  #: list | text | records | literal
    needs: str = ""  #: "kinds" or "values" of the first skill


def _pair(s: Scene) -> list[Json]:
    over = f"inputs.{s.given}"
    return [_each(1, s.one, over), _each(2, s.two, over), _table(3, over, "s1", "s2")]


def _kept(s: Scene, value: str) -> list[Json]:
    over = f"inputs.{s.given}"
    return [_each(1, s.one, over), _table(2, over, "s1"), _filter(3, "s2.rows", s.one.field, value)]


SHAPES = (
    Shape(
        "each",
        lambda s, _: [_each(1, s.one, f"inputs.{s.given}")],
    ),
    Shape(
        "one",
        lambda s, _: [_step(1, s.one.name, text=_ref(f"inputs.{s.given}"))],
        given="text",
    ),
    Shape(
        "literal",
        lambda s, value: [_step(1, s.one.name, text=value)],
        given="literal",
    ),
    Shape(
        "both",
        lambda s, _: [
            _step(1, s.one.name, text=_ref(f"inputs.{s.given}")),
            _step(2, s.two.name, text=_ref(f"inputs.{s.given}")),
        ],
        given="text",
    ),
    Shape(
        "each, count",
        lambda s, _: [_each(1, s.one, f"inputs.{s.given}"), _count(2, "s1", s.one.field)],
        needs="kinds",
    ),
    Shape(
        "each, table",
        lambda s, _: [_each(1, s.one, f"inputs.{s.given}"), _table(2, f"inputs.{s.given}", "s1")],
    ),
    Shape(
        "pair, table",
        lambda s, _: _pair(s),
    ),
    Shape(
        "pair, table, count",
        lambda s, _: [*_pair(s), _count(4, "s1", s.one.field)],
        needs="kinds",
    ),
    Shape(
        "pair, two counts",
        lambda s, _: [
            _each(1, s.one, f"inputs.{s.given}"), _each(2, s.two, f"inputs.{s.given}"),
            _count(3, "s1", s.one.field), _count(4, "s2", s.two.field),
        ],
        needs="kinds",
    ),
    Shape(
        "each, filter",
        _kept,
        needs="values",
    ),
    Shape(
        "filter, each",
        lambda s, value: [*_kept(s, value), _each(4, s.two, "s3.items", "item.value")],
        needs="values",
    ),
    Shape(
        "records, count",
        lambda s, value: [_count(1, f"inputs.{s.given}", value)],
        given="records",
    ),
    Shape(
        "records, filter, count",
        lambda s, value: _records_plan(s, value),
        given="records",
    ),
    Shape(
        "records, filter",
        lambda s, value: _records_plan(s, value)[:1],
        given="records",
    ),
)  # fmt: skip


def _records_plan(s: Scene, value: str) -> list[Json]:
    field, equals, by = value.split("|")
    return [_filter(1, f"inputs.{s.given}", field, equals), _count(2, "s1.items", by)]


def quotable(texts: Sequence[str], seed: int) -> list[str]:
    """The texts that fit into a goal: short, on one line, without quotation marks; in random order."""
    fitting = [text for text in texts if 0 < len(text) < 90 and not set(text) & set('\n"')]
    return random.Random(seed).sample(fitting, len(fitting))


def generate(count: int, texts: Sequence[str], seed: int, held_out: bool) -> Iterator[Example]:
    """`count` goals with their plans, from the held-out templates or from the others; no goal twice.

    `texts` are literal texts for the goals that quote one. Raises GoalsError.
    """
    if not texts:
        raise GoalsError("none of the texts can be quoted in a goal: they are too long, or none is called `text`")
    draw, words = random.Random(seed), wordings()
    seen: set[str] = set()
    again = 0
    while len(seen) < count:
        shape = draw.choice(SHAPES)
        sentences = (words.held_out if held_out else words.sentences)[shape.name]
        example = _example(shape, draw.choice(sentences), draw, texts)
        if example.input["goal"] not in seen:
            seen.add(example.input["goal"])
            again = 0
            yield example
        elif (again := again + 1) == PATIENCE:
            raise GoalsError(f"these texts and wordings make {len(seen)} goals, not {count}: give more --texts")


def _example(shape: Shape, sentence: str, draw: random.Random, texts: Sequence[str]) -> Example:
    scene = _scene(shape, draw, texts)
    wording, value = _wording(shape, scene)
    goal = sentence
    for slot in sorted(wording, key=len, reverse=True):
        while "{" + slot + "}" in goal:
            goal = goal.replace("{" + slot + "}", wording[slot](), 1)
    steps = shape.steps(scene, value)
    return Example({"goal": _spoken(goal, draw), "inputs": _inputs(shape, scene), "job_types": _offers(scene, steps)},
                   {"steps": steps}, f"template:{shape.name}/{sentence}")  # fmt: skip


def _scene(shape: Shape, draw: random.Random, texts: Sequence[str]) -> Scene:
    able = [s for s in wordings().skills if not shape.needs or getattr(s, shape.needs)]
    weights = [4 if s.name in OWN else 1 for s in able]
    one = draw.choices(able, weights)[0]
    others = [s for s in wordings().skills if s is not one and (shape.name != "pair, two counts" or s.kinds)]
    two = draw.choices(others, [4 if s.name in OWN else 1 for s in others])[0]
    words = wordings()
    noun = draw.choice({"text": words.singulars, "records": list(words.record_fields)}.get(shape.given, words.nouns))
    generic = {"text": ("text", "input", "body"), "list": ("items", "texts", "inbox", "data")}.get(shape.given, (noun,))
    given = noun if draw.random() < 0.7 else draw.choice(generic)
    return Scene(draw, texts, noun, given, one, two)


def _wording(shape: Shape, s: Scene) -> tuple[dict[str, Callable[[], str]], str]:
    """What each slot says, and the value that the plan needs: a literal text, a wanted value or a record's fields."""
    if shape.given == "records":
        field, by = s.draw.sample(wordings().record_fields[s.noun], 2)
        wanted = s.draw.choice(wordings().record_values)
        value = field if shape.name == "records, count" else f"{field}|{wanted}|{by}"
        return {"n": lambda: s.noun, "f": lambda: field, "g": lambda: by, "v": lambda: wanted}, value
    articles = ("the", "these", "all", "my", "all the") if shape.given == "list" else ("the", "this", "my")
    value = s.draw.choice(s.texts) if shape.given == "literal" else s.value if shape.needs == "values" else ""
    quoted = s.draw.choice(('"{}"', "“{}”")).format(value)

    def named() -> str:
        return quoted if shape.given == "literal" else f"{s.draw.choice(articles)} {s.noun}"

    them = "them" if shape.given == "list" else "it"
    return {
        "A": lambda: s.ask(s.one, named()), "B": lambda: s.ask(s.two, them), "a": lambda: s.ask(s.one, them),
        "b": lambda: s.ask(s.two, them), "n": named, "k": lambda: s.kinds, "v": lambda: value,
    }, value  # fmt: skip


def _spoken(goal: str, draw: random.Random) -> str:
    manners = wordings().manners
    if draw.random() < 0.2:
        goal = f"{draw.choice(manners['before'])} {goal}"
    if draw.random() < 0.1:
        goal = f"{goal.rstrip('.?')}, {draw.choice(manners['after'])}"
    if draw.random() < 0.7:
        goal = goal[0].upper() + goal[1:]
    if goal[-1].isalnum() and draw.random() < 0.6:
        goal += "."
    return goal


def _inputs(shape: Shape, s: Scene) -> Json:
    inputs = {} if shape.given == "literal" else {s.given: "string" if shape.given == "text" else "array"}
    if s.draw.random() < 0.2:
        other = s.draw.choice([n for n in ("language", "archive", "orders", "customer", "notes") if n not in inputs])
        inputs[other] = "array" if other in ("archive", "orders", "notes") else "string"
    return dict(s.draw.sample(sorted(inputs.items()), len(inputs)))


def _offers(s: Scene, steps: list[Json]) -> list[Json]:
    """The job types on offer: those needed, and distractors; often exactly the ones that this product ships."""
    by_name = {offer["name"]: offer for offer in [*(skill.offer() for skill in wordings().skills), *TOOLS]}
    names = {step["type"] for step in steps}
    if s.draw.random() < 0.5:
        names |= {*OWN, "table", "count", "filter"}
    spare = sorted(set(by_name) - names)
    names |= set(s.draw.sample(spare, s.draw.randint(0, 3) if len(names) < 6 else s.draw.randint(0, 1)))
    ordered = sorted(names) if s.draw.random() < 0.3 else s.draw.sample(sorted(names), len(names))
    return [by_name[name] for name in ordered]
