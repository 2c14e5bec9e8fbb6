"""flow: what is known of a function's output, and what cannot be in its arguments, from schemas alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from specialists.catalog import load_catalog
from specialists.planning.flow.paths import at
from specialists.planning.flow.results import result_schema
from specialists.schemas import either, kind_of, schema_of, value_faults

Json = dict[str, Any]
CATALOG = load_catalog(adapters=False)

TEXT = {"type": "string"}
INTENT = {"enum": ["lost_or_stolen_card", "card_arrival", "exchange_rate"]}


def record(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def listed(items: Json) -> Json:
    return {"type": "array", "items": items}


ORDER = record(
    no={"type": "integer"},
    price={"type": "number"},
    total=TEXT,
    paid={"type": "boolean"},
    intent=INTENT,
    grade={"enum": ["1", "2", "n/a"]},
    parts=listed(record(kind=INTENT, weight={"type": "number"})),
)


def flow(job_type: str, items: Json = ORDER, **args: Any) -> tuple[Json, list[str]]:
    """Of a function over a list of `items`; the other arguments are literals."""
    schemas = {"items": listed(items), **{name: schema_of(value) for name, value in args.items()}}
    found, faults = result_schema(job_type, {"items": {"$ref": "s1"}, **args}, schemas)
    assert found is not None
    return found, faults


def faults_of(job_type: str, items: Json = ORDER, **args: Any) -> list[str]:
    return flow(job_type, items, **args)[1]


def output(job_type: str, name: str, items: Json = ORDER, **args: Any) -> Json:
    """The schema of one field of an output without faults."""
    found, faults = flow(job_type, items, **args)
    assert faults == []
    schema: Json = found["properties"][name]
    return schema


def test_of_another_job_type_nothing_is_said() -> None:
    assert result_schema("triage", {"text": 7}, {}) == (None, [])


# what comes out


def test_a_filter_a_sort_and_a_top_hand_their_items_on() -> None:
    assert output("filter", "items", field="intent", equals="card arrival") == listed(ORDER)
    assert output("sort", "items", field="total", descending=True) == listed(ORDER)
    assert output("top", "items", n=3, field="price") == output("top", "items", n=3) == listed(ORDER)


def test_counts_and_groups_carry_the_kind_of_their_values() -> None:
    assert at(output("count", "counts", field="parts.kind"), "value") == INTENT
    groups = output("group", "groups", field="paid")
    assert (at(groups, "value"), at(groups, "items")) == ({"type": "boolean"}, listed(ORDER))


def test_picked_and_unique_values_are_those_of_the_field() -> None:
    assert output("pick", "values", field="parts") == listed(ORDER["properties"]["parts"])
    assert output("unique", "values", field="parts.kind") == listed(INTENT)
    assert output("unique", "values", TEXT) == listed(TEXT)


@pytest.mark.parametrize(
    ("job_type", "field", "kind"),
    [
        ("sum", "no", "integer"),
        ("sum", "total", "number"),
        ("average", "no", "number"),
        ("max", "price", "number"),
        ("min", "no", "integer"),
        ("min", "total", None),  # of texts, a number or a date
    ],
)
def test_numbers_come_out_of_numbers(job_type: str, field: str, kind: str | None) -> None:
    assert kind_of(output(job_type, job_type, field=field)) == kind


def test_flatten_unwraps_and_a_template_gives_a_text() -> None:
    assert output("flatten", "items", listed(INTENT)) == listed(INTENT)
    schemas = {"template": TEXT, "values": ORDER}
    found, faults = result_schema("template", {"template": "{no}: {parts.kind}", "values": {}}, schemas)
    assert (found, faults) == (record(text=TEXT), [])


def table(*columns: Json, **args: Any) -> Json:
    given = [{"$ref": f"s{n}"} for n, _ in enumerate(columns)]
    schemas = {"columns": {"type": "array", "prefixItems": [listed(column) for column in columns]}}
    found, faults = result_schema("table", {"columns": given, **args}, schemas)
    assert found is not None
    assert faults == []
    rows: Json = found["properties"]["rows"]["items"]
    return rows


def test_rows_have_the_fields_of_all_columns() -> None:
    assert table(TEXT, record(a=TEXT), record(a=INTENT)) == record(value=TEXT, a=TEXT, a_3=INTENT) | {
        "required": ["a", "a_3", "value"]
    }
    assert table(record(a=TEXT), record(a=INTENT), names=["x", "y"]) == record(x_a=TEXT, y_a=INTENT)


def test_a_field_that_may_be_missing_may_be_the_next_columns() -> None:
    rows = table(record(a=TEXT) | {"required": []}, record(a={"type": "integer"}))
    assert rows["properties"] == {"a": {}, "a_2": {"type": "integer"}}
    assert rows["required"] == []


def test_beside_a_column_of_which_nothing_is_known_little_is_known() -> None:
    rows = table(record(a=TEXT), {})
    assert (rows["properties"], rows["additionalProperties"]) == ({"a": TEXT}, True)
    assert at(table({}, record(a=TEXT)), "a") == {}


def test_a_join_unites_both_sides() -> None:
    left, right = record(id=TEXT, name=TEXT), record(id={"type": "integer"}, name=INTENT, paid={"type": "boolean"})
    schemas = {"left": listed(left), "right": listed(right), "on": TEXT}
    found, faults = result_schema("join", {"left": {}, "right": {}, "on": "id"}, schemas)
    assert faults == []
    assert found is not None
    assert at(found, "rows") == listed(
        record(id=TEXT, name=TEXT, name_2=INTENT, paid={"type": "boolean"})
        | {"required": ["id", "name", "name_2", "paid"]}
    )


# what cannot be


#: What a function needs beside items and a field.
REST: dict[str, Json] = {"filter": {"equals": "x"}, "top": {"n": 2}}
KNOWN = "no, price, total, paid, intent, grade, parts.kind, parts.weight"


@pytest.mark.parametrize(
    "job_type", ["average", "count", "filter", "group", "max", "min", "pick", "sort", "sum", "top", "unique"]
)
def test_a_field_that_cannot_be_in_the_items_is_named_with_those_that_can(job_type: str) -> None:
    rest = REST.get(job_type, {})
    assert faults_of(job_type, field="intend", **rest) == [f"field: no 'intend' in the items; known: {KNOWN}"]
    assert faults_of(job_type, TEXT, field="intent", **rest) == ["field: no 'intent' in the items; known: value"]


@pytest.mark.parametrize("items", [{}, {"type": "object"}, {"type": "null"}, {"type": ["string", "null"]}])
@pytest.mark.parametrize("job_type", ["count", "sum", "sort", "pick", "group", "max"])
def test_schemas_that_say_nothing_let_everything_pass(job_type: str, items: Json) -> None:
    assert faults_of(job_type, items, field="a.b") == []


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        (
            {"equals": "lost my card"},
            "equals: 'lost my card' is no value of 'intent'; nearest: lost_or_stolen_card, card_arrival, exchange_rate",
        ),
        ({"any_of": ["card_arrival", "rate"]}, "any_of: 'rate' is no value of 'intent'; nearest: exchange_rate"),
        ({"contains": "refund"}, "contains: 'refund' is no value of 'intent'; nearest: "),
        ({"at_least": 3}, "field: 'intent' is one of lost_or_stolen_card, card_arrival, exchange_rate: no number"),
        (
            {"before": "2026-01-01"},
            "field: 'intent' is one of lost_or_stolen_card, card_arrival, exchange_rate: no date",
        ),
        ({}, "a filter needs exactly one of equals, any_of, contains, greater_than, less_than, at_least, at_most"),
        ({"equals": "card_arrival", "contains": "card"}, "; it has equals and contains"),
    ],
)
def test_a_condition_that_no_label_can_meet_is_a_fault(condition: Json, fault: str) -> None:
    (said,) = faults_of("filter", field="intent", **condition)
    assert fault in said


@pytest.mark.parametrize(
    ("field", "condition"),
    [
        ("intent", {"equals": " Card  arrival"}),
        ("intent", {"any_of": ["card arrival", {"$ref": "s2.label"}]}),
        ("intent", {"contains": "card"}),
        ("intent", {"equals": {"$ref": "s2.label"}}),
        ("paid", {"equals": True}),
        ("paid", {"equals": "true"}),
        ("no", {"equals": "7"}),
        ("price", {"greater_than": "45,20"}),
        ("total", {"at_least": 3}),
        ("total", {"before": "31/12/2026"}),
        ("grade", {"at_least": 2}),
        ("parts.kind", {"equals": "card_arrival", "negate": True}),
    ],
)
def test_a_condition_that_values_can_meet_is_none(field: str, condition: Json) -> None:
    assert faults_of("filter", field=field, **condition) == []


@pytest.mark.parametrize(
    ("field", "condition", "fault"),
    [
        ("no", {"equals": "many"}, "equals: 'many' is no number, and 'no' holds numbers"),
        ("paid", {"equals": "yes, it is"}, "equals: 'yes, it is' is neither true nor false, as 'paid' is"),
        ("paid", {"less_than": 3}, "field: 'paid' is boolean, no number"),
        ("no", {"after": "2026-01-01"}, "field: 'no' is integer, no date"),
        ("total", {"after": "soon"}, "after: 'soon' is no date; write it as 2026-01-31"),
        ("price", {"at_most": "cheap"}, "at_most: 'cheap' is no number"),
        ("parts", {"equals": "x"}, "field: 'parts' holds records; name a field of theirs: kind, weight"),
    ],
)
def test_a_condition_of_another_kind_than_the_field_is_a_fault(field: str, condition: Json, fault: str) -> None:
    assert faults_of("filter", field=field, **condition) == [fault]


@pytest.mark.parametrize("job_type", ["sum", "average"])
def test_only_numbers_and_texts_can_be_added_up(job_type: str) -> None:
    assert faults_of(job_type, field="total") == faults_of(job_type, field="parts.weight") == []
    assert faults_of(job_type, field="paid") == ["field: 'paid' is boolean, no number"]
    assert faults_of(job_type, field="intent")[0].endswith("exchange_rate: no number")
    assert faults_of(job_type, field="parts") == ["field: 'parts' holds records; name a field of theirs: kind, weight"]


def test_the_largest_of_labels_is_a_fault_and_of_texts_none() -> None:
    assert faults_of("max", field="intent")[0].endswith("exchange_rate: no number or date")
    assert faults_of("top", field="paid", n=1) == ["field: 'paid' is boolean, no number or date"]
    assert faults_of("min", field="total") == []


def test_none_or_fewer_of_the_largest_are_a_fault() -> None:
    assert faults_of("top", n=0) == ["n: 0 is not above 0"]
    assert faults_of("top", n={"$ref": "s2"}) == []
    assert faults_of("top", n=2, smallest=True) == ["smallest: say of which field"]


def test_what_holds_no_lists_cannot_be_flattened() -> None:
    assert faults_of("flatten", ORDER) == ["items: each is object, no list; there is nothing to flatten"]


def test_a_key_that_a_side_lacks_is_a_fault_of_that_side() -> None:
    schemas = {"left": listed(record(a=TEXT)), "right": listed(record(b=TEXT))}
    _, faults = result_schema("join", {"left": {}, "right": {}, "on": "a"}, schemas)
    assert faults == ["on: no 'a' in the items of right; known: b"]


def test_a_template_of_values_that_are_not_there_is_a_fault() -> None:
    args = {"template": "Dear {nmae}, {{no}} {no}", "values": {"$ref": "s1"}}
    _, faults = result_schema("template", args, {"values": record(name=TEXT, no=TEXT)})
    assert faults == ["template: no 'nmae' in the values; known: name, no"]
    assert result_schema("template", args, {"values": listed(record(nmae=TEXT, no=TEXT))})[1] == []


def test_names_that_do_not_tell_columns_apart_are_a_fault() -> None:
    schemas = {"columns": {"type": "array", "prefixItems": [listed(TEXT)] * 2}}
    _, faults = result_schema("table", {"columns": [{}, {}], "names": ["x"]}, schemas)
    assert faults == ["names: 2 columns need as many different names; there are 1"]


@pytest.mark.parametrize("job_type", [each.name for each in CATALOG if each.manifest.engine == "function"])
def test_arguments_that_are_no_arguments_are_left_to_the_schema(job_type: str) -> None:
    for odd in (None, 7, [], {}, "", [None], {"x": 1}):
        names = CATALOG.get(job_type).input_schema["properties"]
        assert result_schema(job_type, dict.fromkeys(names, odd), {})[0] is not None
    assert result_schema(job_type, {}, {})[0] is not None


# either


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (TEXT, TEXT, TEXT),
        ({"type": "integer"}, {"type": "number"}, {"type": "number"}),
        (TEXT, {"type": "integer"}, {}),
        ({"enum": ["a", "b"]}, {"enum": ["b", "c"]}, {"enum": ["a", "b", "c"]}),
        ({"enum": ["a"]}, TEXT, TEXT),
        (listed(TEXT), listed({"enum": ["a"]}), listed(TEXT)),
        (record(a=TEXT, b=TEXT), record(b=TEXT, c=TEXT), record(a=TEXT, b=TEXT, c=TEXT) | {"required": ["b"]}),
        (
            record(a=TEXT, b=TEXT),
            {"type": "object"},
            {"type": "object", "properties": {}, "required": [], "additionalProperties": True},
        ),
    ],
)
def test_values_of_either_schema_have_the_one_of_both(one: Json, other: Json, both: Json) -> None:
    assert either(one, other) == both


# what functions give is what was said of it


def a_value(chance: random.Random, depth: int = 0) -> Any:
    plain = [*"ab", "12", "3,5", "2026-01-02", "true", 0, 1, 2.5, True, False, None]
    if depth > 2 or chance.random() < 0.6:
        return chance.choice(plain)
    if chance.random() < 0.5:
        return [a_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return {name: a_value(chance, depth + 1) for name in chance.sample("abc", chance.randint(0, 3))}


def a_list(chance: random.Random) -> list[Any]:
    """Of four: the elements are records of one shape, of which some fields are missing, or they are anything."""
    if chance.random() < 0.3:
        return [a_value(chance) for _ in range(4)]
    kinds: list[Callable[[], Any]] = [
        lambda: chance.choice("xy3"),
        lambda: chance.randint(0, 3),
        chance.random,
        lambda: {"a": 1},
        lambda: [1, 2],
    ]
    shape = {name: chance.choice(kinds) for name in chance.sample(["a", "b", "c", "a_2", "value"], 3)}
    return [{name: kind() for name, kind in shape.items() if chance.random() < 0.9} for _ in range(4)]


def arguments(job_type: str, chance: random.Random) -> Json:
    if job_type == "table":
        columns = [a_list(chance) for _ in range(chance.randint(1, 3))]
        return {"columns": columns, **({"names": list("xyz"[: len(columns)])} if chance.random() < 0.3 else {})}
    field = chance.choice(["a", "b", "value", "a.a"])
    if job_type == "join":
        return {"left": a_list(chance), "right": a_list(chance), "on": field}
    if job_type == "template":
        return {"template": "{a}", "values": a_list(chance)[0]}
    args = {"items": a_list(chance), "field": field}
    return {"items": args["items"]} if job_type == "flatten" else args | REST.get(job_type, {})


@pytest.mark.parametrize("job_type", [each.name for each in CATALOG if each.manifest.engine == "function"])
def test_what_a_function_gives_is_what_was_said_of_it(job_type: str) -> None:
    chance, function, given = random.Random(job_type), CATALOG.get(job_type).function, 0
    for _ in range(300):
        args = arguments(job_type, chance)
        schemas = {name: schema_of(value) for name, value in args.items()}
        if job_type == "table":
            schemas["columns"] = {"type": "array", "prefixItems": [schema_of(column) for column in args["columns"]]}
        schema, faults = result_schema(job_type, args, schemas)
        try:
            found = function(args)
        except ValueError:
            continue  # of these values, which schemas do not tell
        assert schema is not None
        assert not [fault for fault in faults if "in the items" in fault], (args, faults)
        if faults or None in found.values():
            continue
        given += 1
        if job_type == "group":  # a group of null has the items without a value
            found["groups"] = [group for group in found["groups"] if group["value"] is not None]
        found.pop("note", None)  # for people, where nothing was found; plans go on from none
        assert not value_faults(found, schema, job_type), (args, schema)
    assert given > 20
