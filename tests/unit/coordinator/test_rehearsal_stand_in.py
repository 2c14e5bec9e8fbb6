"""Stand-ins: the same for the same input, always within the output schema."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coordinator.rehearsal.draw import Draw, NoStandIn
from coordinator.rehearsal.patterns import NotSimple, text_of
from coordinator.rehearsal.stand_in import stand_in
from coordinator.rehearsal.values import drawn_value
from specialists.catalog import load_catalog
from specialists.copies import copy_faults
from specialists.schemas import schema_faults, value_faults
from specialists.specialist import load_specialist

Json = dict[str, Any]
CATALOG = load_catalog(adapters=False)
MODELS = [each.name for each in CATALOG if each.manifest.inner_engine != "function"]


def drawn(schema: Json, seed: Any = 0, input: Json | None = None) -> Any:
    return drawn_value(schema, Draw.of(seed), input or {}, "x")


@pytest.mark.parametrize("name", MODELS)
def test_every_stand_in_of_what_ships_keeps_its_output_schema(name: str) -> None:
    specialist = CATALOG.get(name)
    for seed in range(60):
        input = drawn(specialist.input_schema, seed)
        assert not value_faults(input, specialist.input_schema, "input")
        output = stand_in(specialist, input)
        assert not value_faults(output, specialist.output_schema, "output")
        assert not copy_faults(output, specialist.output_schema, input, "output")


def test_the_same_input_gets_the_same_whatever_the_order_of_its_names() -> None:
    issue = CATALOG.get("issue")
    asked = {"repository": "acme/app", "title": "Crash", "body": "It crashes."}
    assert stand_in(issue, asked) == stand_in(issue, dict(reversed(asked.items())))


def test_other_inputs_and_other_types_get_something_else_at_times() -> None:
    triage, route = CATALOG.get("triage"), CATALOG.get("route")
    intents = {json.dumps(stand_in(triage, {"text": f"message {n}"})) for n in range(40)}
    assert len(intents) > 10
    assert any(stand_in(triage, {"text": str(n)}) != stand_in(route, {"text": str(n)}) for n in range(5))


def test_a_field_is_drawn_alone_so_that_another_one_changes_it_not() -> None:
    word = {"type": "string", "maxLength": 40}
    one = drawn({"type": "object", "properties": {"a": word}})
    two = drawn({"type": "object", "properties": {"b": word, "a": word}})
    assert one["a"] == two["a"]


def test_answers_are_taken_as_they_are() -> None:
    answers = [{"intent": "no label of its schema"}, {"intent": "neither"}]
    given = [stand_in(CATALOG.get("triage"), {"text": str(n)}, answers) for n in range(20)]
    assert all(each in answers for each in given)
    assert given[0] is not answers[0]
    assert {each["intent"] for each in given} == {"no label of its schema", "neither"}


def test_a_copied_text_is_a_word_of_the_input() -> None:
    found = stand_in(CATALOG.get("entities"), {"text": "Anna Berg left Siemens."})["entities"]
    assert found
    assert {each["text"] for each in found} <= {"Anna", "Berg", "left", "Siemens"}


def test_a_text_without_words_is_copied_from_its_beginning() -> None:
    assert {each["text"] for each in stand_in(CATALOG.get("entities"), {"text": " \n"})["entities"]} == {" \n"}


def test_lists_have_one_to_three_items_unless_their_schema_asks_for_more() -> None:
    items = {"type": "array", "maxItems": 50, "items": {"type": "boolean"}}
    assert {len(drawn(items, seed)) for seed in range(40)} == {1, 2, 3}
    assert {len(drawn({**items, "minItems": 5}, seed)) for seed in range(10)} == {5}
    assert drawn({**items, "maxItems": 0}) == []


def test_numbers_stay_within_their_bounds() -> None:
    for seed in range(50):
        assert 3 <= drawn({"type": "integer", "minimum": 2.5, "maximum": 4}, seed) <= 4
        assert 0.001 <= drawn({"type": "number", "minimum": 0.001, "maximum": 0.002}, seed) <= 0.002
        assert drawn({"type": "number", "maximum": -7}, seed) <= -7


def test_fields_that_functions_compute_with_get_what_these_read() -> None:
    texts = {name: drawn({"type": "object", "properties": {name: {"type": "string", "maxLength": 20}}})[name]
             for name in ("invoice_date", "total", "start_time")}  # fmt: skip
    assert re.fullmatch(r"2026-\d\d-\d\d", texts["invoice_date"])
    assert re.fullmatch(r"\d+\.\d\d", texts["total"])
    assert re.fullmatch(r"\d\d:\d\d", texts["start_time"])


PATTERNS = [
    "^s[0-9]{1,3}$",
    r"^\d{4}-\d{2}-\d{2}$",
    "^[A-Z]{4}\\d{7}$",
    "^[A-Za-z_][A-Za-z0-9_.\\-]*$",
    "^[^\\n]*$",
    "^(red|green|blue)$",
    "^(?:AB|CD)-\\d+(\\.\\d{2})?$",
    r"^[\w.]+@[\w.]+\.[a-z]{2,}$",
    "x+y?z*",
    "^[]a]+$",
    r"\bcat\b",
    "^$",
    r"^\S+$",
    r"^\(\d\)$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_keeps_a_simple_pattern(pattern: str) -> None:
    for seed in range(20):
        text = drawn({"type": "string", "pattern": pattern, "maxLength": 40}, seed)
        assert re.search(pattern, text)


def test_a_pattern_is_kept_together_with_lengths() -> None:
    assert len(drawn({"type": "string", "pattern": "^[a-f]+$", "minLength": 30, "maxLength": 31})) in (30, 31)


@pytest.mark.parametrize("pattern", [r"^(?=a)b", r"(a)\1", "(a", "[b-a]", "a{2,1}", "*a", "a)", "[", "\\"])
def test_what_is_no_simple_pattern_is_said_to_be_none(pattern: str) -> None:
    with pytest.raises(NotSimple):
        text_of(pattern, Draw.of(0))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": "^(?=a)b$", "maxLength": 9}, "x: no text was found"),
        ({"type": "string", "x-span-of": "text", "minLength": 3, "maxLength": 9}, "x: no text was found"),
        ({"type": "string", "x-mask-of": "text", "minLength": 3, "maxLength": 9}, "x: no text was found"),
        ({"type": "integer", "minimum": 1.2, "maximum": 1.8}, "x: no whole number"),
        ({"enum": ["a", "b"], "minLength": 2}, "x: no member"),
    ],
)
def test_what_cannot_be_drawn_is_named_with_its_place(schema: Json, said: str) -> None:
    with pytest.raises(NoStandIn, match=said):
        drawn(schema)


def test_a_field_that_need_not_be_there_is_left_out_where_nothing_fits_it() -> None:
    never = {"type": "string", "pattern": "^(?=a)b$", "maxLength": 9}
    assert drawn({"type": "object", "properties": {"a": never, "b": {"const": 1}}, "required": ["b"]}) == {"b": 1}


def made_up(rng: random.Random, depth: int = 0) -> Json:
    """A schema of the kinds that job types may have."""
    kinds = ["string", "integer", "number", "boolean", "enum", "const", "pattern", "types"]
    kind = rng.choice(kinds if depth > 2 else [*kinds, "object", "array", "anyOf", "map"])
    low = rng.randint(0, 30)
    match kind:
        case "object":
            names = ["a", "b", "c", "d"][: rng.randint(0, 4)]
            needed = rng.sample(names, rng.randint(0, len(names)))
            properties = {name: made_up(rng, depth + 1) for name in names}
            return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
        case "map":
            return {"type": "object", "properties": {}, "additionalProperties": made_up(rng, depth + 1)}
        case "array":
            fewest = rng.randint(0, 5)
            return {
                "type": "array",
                "items": made_up(rng, depth + 1),
                "minItems": fewest,
                "maxItems": fewest + rng.randint(0, 9),
            }
        case "string":
            return {"type": "string", "minLength": low, "maxLength": low + rng.randint(0, 30)}
        case "integer" | "number":
            return {"type": kind, "minimum": low - 15, "maximum": low - 15 + rng.randint(0, 99)}
        case "enum":
            return {"enum": rng.sample(["a", "b", 3, None, True, 4.5], rng.randint(1, 6))}
        case "const":
            return {"const": rng.choice(["a", 7, None, [1], {"a": 1}])}
        case "pattern":
            return {"type": "string", "pattern": rng.choice(PATTERNS[:8]), "maxLength": 60}
        case "types":
            return {"type": ["string", "null", "integer"], "maxLength": 20}
        case "anyOf":
            return {"anyOf": [made_up(rng, depth + 1) for _ in range(rng.randint(1, 3))]}
    return {"type": "boolean"}


def test_every_value_drawn_for_a_made_up_schema_keeps_it() -> None:
    rng = random.Random(7)
    for seed in range(400):
        schema = {
            "type": "object",
            "properties": {"it": made_up(rng)},
            "required": ["it"],
            "additionalProperties": False,
        }
        assert not schema_faults(schema, "made up")
        assert not value_faults(drawn(schema, seed), schema, json.dumps(schema))


def test_a_specialist_of_ones_own_is_stood_in_for_as_well(write_specialist: Callable[..., Path]) -> None:
    outputs = {
        "mood": {"enum": ["calm", "angry"]},
        "words": {"type": "array", "maxItems": 9, "items": {"type": "string", "maxLength": 30, "x-span-of": "text"}},
        "form": {"type": "string", "maxLength": 30, "x-mask-of": "text", "x-mask-with": "_"},
        "ticket": {"type": "string", "pattern": "^T-\\d{4}$", "maxLength": 6},
        "score": {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]},
    }
    folder = write_specialist(
        "mood", 'engine = "scripted"\n', {"text": {"type": "string", "maxLength": 99}}, outputs, {}
    )
    specialist = load_specialist(folder)
    for n in range(30):
        output = stand_in(specialist, {"text": f"letter {n} is here"})
        assert not value_faults(output, specialist.output_schema, "output")
        assert set(output["words"]) <= {"letter", str(n), "is", "here"}
        assert output["form"] in (f"_ {n} is here", "letter _ is here", f"letter {n} _ here", f"letter {n} is _")
