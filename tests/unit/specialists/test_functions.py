"""The job types without a model: what each answers, and that each says in words what it cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.catalog import SHIPPED, load_catalog
from specialists.schemas import value_faults

CATALOG = load_catalog(adapters=False)
FUNCTIONS = [each.name for each in CATALOG if each.manifest.engine == "function"]


def run(job_type: str, **input: Any) -> Any:
    specialist = CATALOG.get(job_type)
    assert not specialist.input_faults(input)
    output = specialist.function(input)
    assert not value_faults(output, specialist.output_schema, job_type)
    return output


def refusal(job_type: str, **input: Any) -> str:
    """The words of the error, whose class the function's own file defines: an engine shows no others."""
    function = CATALOG.get(job_type).function
    with pytest.raises(ValueError, match=r"\w") as refused:
        function(input)
    assert type(refused.value).__module__ == function.__module__
    return str(refused.value)


ORDERS = [
    {"no": 1, "amount": 20, "total": "45,20", "day": "14/03/2018", "city": "Ulm"},
    {"no": 2, "amount": 5.5, "total": "1,204.50", "day": "2018-03-15", "city": "Bonn"},
    {"no": 3, "amount": 7, "total": "RM 3", "day": "13 Mar 2018", "city": "Ulm"},
]


def kept(field: str, items: list[Any] = ORDERS, **condition: Any) -> list[int]:
    """The numbers of the orders that a filter keeps."""
    return [item["no"] for item in run("filter", items=items, field=field, **condition)["items"]]


# table


def test_a_row_has_no_fields_of_what_was_left_out() -> None:
    rows = run("table", columns=[["a", "b"], [{"intent": "x"}, None]])
    assert rows == {"rows": [{"value": "a", "intent": "x"}, {"value": "b"}]}
    assert run("table", columns=[["a", None]]) == {"rows": [{"value": "a"}, {"value": None}]}


def test_a_table_joins_lists_side_by_side() -> None:
    rows = run("table", columns=[["a", "b"], [{"intent": "x"}, {"intent": "y"}], [{"entities": []}, {"entities": [1]}]])
    assert rows == {
        "rows": [{"value": "a", "intent": "x", "entities": []}, {"value": "b", "intent": "y", "entities": [1]}]
    }


def test_a_name_that_two_columns_share_gets_its_columns_number() -> None:
    assert run("table", columns=[[{"intent": "x"}], [{"intent": "y"}]]) == {"rows": [{"intent": "x", "intent_2": "y"}]}


def test_with_names_for_the_columns_their_order_makes_no_difference() -> None:
    mine, theirs, plain = [{"intent": "x"}, {}], [{"intent": "y"}, {"intent": "z"}], [1, 2]
    one = run("table", columns=[mine, theirs, plain], names=["mine", "theirs", "plain"])
    other = run("table", columns=[plain, theirs, mine], names=["plain", "theirs", "mine"])
    assert one == other
    assert one["rows"] == [
        {"mine_intent": "x", "theirs_intent": "y", "value": 1},
        {"theirs_intent": "z", "value": 2},
    ]


def test_names_that_do_not_tell_the_columns_apart_are_refused() -> None:
    assert refusal("table", columns=[["a"], ["b"]], names=["x"]) == (
        "2 columns need as many different names; there are 1"
    )
    assert refusal("table", columns=[["a"], ["b"]], names=["x", "x"]).endswith("there are 1")
    clash = [[{"a": 1}], [{"a": 2}], [{"x_a": 3}]]
    assert "a field of the same name" in refusal("table", columns=clash, names=["x", "y", "z"])


def test_unequal_columns_are_refused_with_their_lengths() -> None:
    assert refusal("table", columns=[["a"], ["b", "c"]]).startswith("the columns have [1, 2] items")


def test_an_empty_list_makes_an_empty_table() -> None:
    assert run("table", columns=[[], []]) == {"rows": []}
    assert run("table", columns=[[], []], names=["a", "b"]) == {"rows": []}


# count


def test_count_orders_by_frequency_then_value() -> None:
    items = [{"intent": "b"}, {"intent": "a"}, {"intent": "b"}, {"intent": "c"}, {}]
    assert run("count", items=items, field="intent") == {
        "counts": [{"value": "b", "count": 2}, {"value": "a", "count": 1}, {"value": "c", "count": 1}],
        "total": 4,
    }


def test_count_goes_into_lists_on_the_way() -> None:
    items = [{"entities": [{"type": "person"}, {"type": "location"}]}, {"entities": [{"type": "person"}]}, None]
    counted = run("count", items=items, field="entities.type")
    assert counted == {"counts": [{"value": "person", "count": 2}, {"value": "location", "count": 1}], "total": 3}


def test_count_keeps_the_json_type_of_what_it_counts() -> None:
    items = [{"x": each} for each in (10, 9, 9.0, True, "9", None)]
    assert run("count", items=items, field="x") == {
        "counts": [
            {"value": 9, "count": 2},
            {"value": None, "count": 1},
            {"value": True, "count": 1},
            {"value": 10, "count": 1},
            {"value": "9", "count": 1},
        ],
        "total": 6,
    }


def test_count_takes_equal_objects_for_one_value() -> None:
    items = [{"x": {"a": 1, "b": [2.0]}} for _ in range(2)] + [
        {"x": {"b": [2], "a": 1.0}},
        {"x": {"a": True, "b": [2]}},
    ]
    assert [each["count"] for each in run("count", items=items, field="x")["counts"]] == [3, 1]


def test_an_item_that_is_no_object_has_the_field_value() -> None:
    assert run("count", items=["a", "b", "a", None], field="value")["counts"][0] == {"value": "a", "count": 2}
    assert run("sum", items=[1, 2.5], field="value") == {"sum": 3.5}


# filter


def test_filter_takes_the_words_of_a_goal_for_a_label() -> None:
    items = [{"intent": "lost_or_stolen_card"}, {"intent": "card_arrival"}]
    assert run("filter", items=items, field="intent", equals=" Lost or  stolen card") == {
        "items": items[:1],
        "kept": 1,
    }


def test_filter_matches_any_element_of_a_list() -> None:
    items = [{"entities": [{"type": "person"}, {"type": "misc"}]}, {"entities": []}]
    assert run("filter", items=items, field="entities.type", equals="misc")["items"] == items[:1]


@pytest.mark.parametrize(
    ("equals", "expected"),
    [
        (True, [True, "TRUE", "true "]),
        ("true", [True, "TRUE", "true "]),
        (False, [False]),
        (7, [7, 7.0, "7", "7,0", "07"]),
        ("7", [7, 7.0, "7"]),
        ("07", [7, 7.0, "07"]),
    ],
)
def test_equals_compares_numbers_and_truths_with_their_texts_and_texts_as_texts(equals: Any, expected: Any) -> None:
    items = [{"x": value} for value in (True, False, "TRUE", "true ", 7, 7.0, "7", "7,0", "07", None, 1)]
    found = [item["x"] for item in run("filter", items=items, field="x", equals=equals)["items"]]
    assert list(map(repr, found)) == list(map(repr, expected))


def test_any_of_and_contains() -> None:
    assert kept("city", any_of=["ulm", "Paris"]) == [1, 3]
    assert kept("no", any_of=[2, "3"]) == [2, 3]
    assert kept("city", contains="ON") == [2]
    items = [{"x": {"a": "b"}}, {"x": True}, {"x": 1.5}]
    for text, found in (('{"a": "b"}', [0]), ("'a'", []), ("TRUE", [1]), ("1.5", [2])):
        assert run("filter", items=items, field="x", contains=text)["items"] == [items[n] for n in found]


def test_numbers_are_compared_as_numbers_however_they_are_written() -> None:
    assert kept("total", greater_than=45.2) == [2]
    assert kept("total", at_least="45,20") == [1, 2]
    assert kept("total", less_than=45.2) == [3]
    assert kept("amount", at_most=7) == [2, 3]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,204", 1204),
        ("1.204", 1.204),
        ("0,204", 0.204),
        ("1.204,50", 1204.5),
        ("1.204.500", 1204500),
        ("1 204,5", 1204.5),
        ("1'204.50", 1204.5),
        ("-3", -3),
        ("−3 €", -3),
        ("$ 12.90", 12.9),
        ("12 %", 12),
        (".5", 0.5),
    ],
)
def test_a_text_that_is_a_number_is_added_up(text: str, number: float) -> None:
    assert run("sum", items=[{"x": text}], field="x") == {"sum": number}


@pytest.mark.parametrize("text", ["A4", "12 34", "1,2,3", "2026-01-31", "5 min", "1e3", "12,34.5", "--5"])
def test_a_text_that_only_has_digits_in_it_is_no_number(text: str) -> None:
    assert refusal("sum", items=[{"x": text}, {"x": 1}], field="x") == "1 of the 2 values of 'x' are no numbers"


def test_dates_are_compared_as_dates_however_they_are_written() -> None:
    assert kept("day", before="2018-03-14") == [3]
    assert kept("day", after="14/03/2018") == [2]
    assert kept("day", after="14 March 2018") == [2]


@pytest.mark.parametrize(
    "text", ["31/12/2026", "31.12.26", "2026-12-31T23:59:00Z", "31 Dec 2026", "Thu, 31st December 2026", "Dec 31, 2026"]
)
def test_a_date_is_on_its_day(text: str) -> None:
    items = [{"no": 1, "on": text}]
    assert kept("on", items, after="2026-12-30") == kept("on", items, before="2027-01-01") == [1]
    assert kept("on", items, after="2026-12-31") == kept("on", items, before="2026-12-31") == []


def test_a_bound_with_a_time_is_compared_to_the_minute() -> None:
    items = [
        {"no": 1, "at": "2026-01-31 10:00"},
        {"no": 2, "at": "2026-01-31T09:30:00+01:00"},
        {"no": 3, "at": "9 Feb 2026"},
    ]
    assert kept("at", items, after="2026-01-31 09:00") == [1, 3]


def test_where_one_date_can_only_have_its_month_first_all_have() -> None:
    items = [{"no": 1, "on": "03/04/2026"}, {"no": 2, "on": "03/25/2026"}]
    assert kept("on", items, after="2026-03-31") == []
    assert kept("on", items[:1], after="2026-03-31") == [1]


def test_negate_keeps_the_others() -> None:
    items = [*ORDERS, {"no": 4}]
    assert kept("city", items, equals="ulm", negate=True) == [2, 4]
    assert kept("city", items, equals="ulm", negate=False) == [1, 3]


def test_a_filter_has_exactly_one_condition() -> None:
    every = "equals, any_of, contains, greater_than, less_than, at_least, at_most, before, after"
    assert refusal("filter", items=[], field="x") == f"a filter needs exactly one of {every}; it has none"
    both = refusal("filter", items=[], field="x", equals="a", at_least=3, negate=True)
    assert both.endswith("; it has equals and at_least")


def test_a_condition_that_no_value_can_meet_or_fail_is_refused() -> None:
    assert refusal("filter", items=ORDERS, field="city", at_least=3) == "none of the 3 values of 'city' is a number"
    assert refusal("filter", items=ORDERS, field="no", before="2026-01-01") == "none of the 3 values of 'no' is a date"
    assert refusal("filter", items=ORDERS, field="no", at_least="few") == "at_least: is no number"
    assert refusal("filter", items=ORDERS, field="day", after="soon").startswith("after: is no date; write it as 2026-")


# a field that no item has

REST: dict[str, dict[str, Any]] = {"filter": {"equals": "x"}, "top": {"n": 1}}
OF_A_FIELD = ["average", "count", "filter", "group", "max", "min", "pick", "sort", "sum", "top", "unique"]


@pytest.mark.parametrize("job_type", OF_A_FIELD)
def test_a_field_that_no_item_has_is_named_with_those_that_there_are(job_type: str) -> None:
    items = [{"intent": "a", "entities": [{"type": "x"}], "place": {"city": "Ulm"}}, None]
    words = refusal(job_type, items=items, field="intend", **REST.get(job_type, {}))
    assert words == "no item has a field 'intend'; known: intent, entities.type, place.city"
    assert refusal(job_type, items=["a"], field="x", **REST.get(job_type, {})).endswith("known: value")


@pytest.mark.parametrize("job_type", OF_A_FIELD)
def test_no_items_and_lists_without_elements_are_fine(job_type: str) -> None:
    lists: list[list[Any]] = [[], [None], [{"entities": []}], [{"entities": None}]]
    for items in lists:
        run(job_type, items=items, field="entities.type", **REST.get(job_type, {}))


def test_a_field_with_dots_or_spaces_in_its_name_is_found() -> None:
    items = [{"no.": 1, "unit price": 2, "a.b": {"c": 3}}]
    assert [run("sum", items=items, field=field)["sum"] for field in ("no.", "unit price")] == [1, 2]
    assert run("sum", items=items, field="a.b.c")["sum"] == 3


# sum, average, min, max


def test_sums_and_averages_are_those_of_people() -> None:
    assert run("sum", items=[{"x": 0.1}, {"x": 0.2}, {"x": None}, {"x": ""}], field="x") == {"sum": 0.3}
    assert run("sum", items=ORDERS, field="total") == {"sum": 1252.7}
    assert run("average", items=[{"x": 1}, {"x": 2}], field="x") == {"average": 1.5}
    assert run("sum", items=[{"a": [{"x": 1}, {"x": 2}]}, {"a": []}], field="a.x") == {"sum": 3}


def test_nothing_has_the_sum_zero_and_no_average_smallest_or_largest() -> None:
    assert run("sum", items=[], field="x") == {"sum": 0}
    for job_type in ("average", "min", "max"):
        assert run(job_type, items=[], field="x") == {job_type: None}


def test_the_smallest_and_the_largest_are_numbers_or_dates() -> None:
    assert (run("min", items=ORDERS, field="total"), run("max", items=ORDERS, field="amount")) == (
        {"min": 3},
        {"max": 20},
    )
    assert run("min", items=ORDERS, field="day") == {"min": "13 Mar 2018"}
    assert run("max", items=ORDERS, field="day") == {"max": "2018-03-15"}
    assert refusal("max", items=ORDERS, field="city") == "the values of 'city' are neither numbers nor dates"


@pytest.mark.parametrize("job_type", ["sum", "average", "min", "max"])
def test_different_currencies_are_not_taken_together(job_type: str) -> None:
    items = [{"x": "5 EUR"}, {"x": "$ 3"}, {"x": "4"}]
    assert refusal(job_type, items=items, field="x") == "the values of 'x' are in 2 different currencies or units"


# sort, top


def test_sort_goes_by_size_by_time_or_by_the_alphabet() -> None:
    def order(field: str, **rest: Any) -> list[int]:
        return [item["no"] for item in run("sort", items=ORDERS, field=field, **rest)["items"]]

    assert order("amount") == order("amount", descending=False) == [2, 3, 1]
    assert order("total", descending=True) == [2, 1, 3]
    assert order("day") == [3, 1, 2]
    assert order("city") == [2, 1, 3]
    assert order("city", descending=True) == [1, 3, 2]  # those of one city as they came


@pytest.mark.parametrize(("descending", "expected"), [(False, [1, 3]), (True, [3, 1])])
def test_what_has_no_place_in_the_order_comes_last_as_it_came(descending: bool, expected: list[int]) -> None:
    items = [{"x": "b"}, {"x": 3}, {"x": None}, {}, {"x": 1}, {"x": True}]
    ordered = run("sort", items=items, field="x", descending=descending)["items"]
    assert ordered == [*({"x": each} for each in expected), {"x": "b"}, {"x": None}, {}, {"x": True}]


def test_top_keeps_the_largest_the_smallest_or_the_first() -> None:
    def top(n: int, **rest: Any) -> list[int]:
        return [item["no"] for item in run("top", items=[*ORDERS, {"no": 4}], n=n, **rest)["items"]]

    assert top(2, field="total") == [2, 1]
    assert top(2, field="total", smallest=True) == [3, 1]
    assert top(9, field="amount") == [1, 3, 2]
    assert top(2) == [1, 2]
    assert refusal("top", items=ORDERS, n=1, smallest=True) == "smallest: say of which field"
    assert refusal("top", items=ORDERS, n=1, field="city") == "the values of 'city' are neither numbers nor dates"


# unique, pick, group, flatten


def test_unique_lists_each_value_once_in_the_order_of_the_first() -> None:
    assert run("unique", items=ORDERS, field="city") == {"values": ["Ulm", "Bonn"]}
    assert run("unique", items=["b", "a", "b", 1, True, 1.0, {"x": 1, "y": 2}, {"y": 2, "x": 1}]) == {
        "values": ["b", "a", 1, True, {"x": 1, "y": 2}]
    }


def test_pick_takes_one_field_as_it_is() -> None:
    items = [{"a": {"tags": ["x"]}}, {"a": {}}, {"a": {"tags": []}}]
    assert run("pick", items=items, field="a.tags") == {"values": [["x"], []]}
    assert run("pick", items=[{"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 3}]}], field="a.b") == {"values": [1, 2, 3]}


def test_group_puts_items_of_one_value_together_and_loses_none() -> None:
    items = [{"tag": ["x", "y"]}, {"tag": []}, {"tag": ["x", "x"]}]
    assert run("group", items=items, field="tag") == {
        "groups": [
            {"value": "x", "items": [items[0], items[2]]},
            {"value": "y", "items": [items[0]]},
            {"value": None, "items": [items[1]]},
        ]
    }


def test_flatten_takes_one_level_of_lists_away() -> None:
    assert run("flatten", items=[[1], [], [2, [3]], 4]) == {"items": [1, 2, [3], 4]}
    assert refusal("flatten", items=[[0] * 6000] * 2).startswith("the lists have 12000 elements together")


# join


def test_join_has_a_row_for_each_pair_of_equal_keys() -> None:
    left = [{"id": 7, "name": "A"}, {"id": 8, "name": "B"}]
    right = [{"id": "7", "name": "x"}, {"id": 7, "paid": True}, {"id": "07", "paid": False}]
    assert run("join", left=left, right=right, on="id") == {
        "rows": [{"id": 7, "name": "A", "name_2": "x"}, {"id": 7, "name": "A", "paid": True}]
    }


def test_a_key_that_a_side_lacks_is_named_with_the_side() -> None:
    assert refusal("join", left=[{"a": 1}], right=[{"b": 1}], on="a") == "no item of right has a field 'a'; known: b"
    assert run("join", left=[], right=[{"b": 1}], on="b") == {"rows": []}


def test_a_join_of_keys_that_all_repeat_is_refused() -> None:
    assert "more than 10000 pairs" in refusal("join", left=[{"a": 1}] * 200, right=[{"a": 1}] * 200, on="a")


# template


def test_template_fills_values_in() -> None:
    values = {"name": "Anna", "n": 2, "tags": ["a", 1], "deep": {"ok": True, "none": None}}
    text = run("template", template="Dear {name}, {{x}}: {n} of {tags}; { deep.ok } {deep.none}.", values=values)
    assert text == {"text": "Dear Anna, {x}: 2 of a, 1; true ."}


def test_a_template_over_a_list_makes_a_line_of_each() -> None:
    assert run("template", template="{no}: {city}", values=ORDERS[:2]) == {"text": "1: Ulm\n2: Bonn"}
    assert run("template", template="- {value}", values=["a", "b"]) == {"text": "- a\n- b"}


def test_a_value_that_is_not_there_is_named_with_those_that_are() -> None:
    assert refusal("template", template="{nmae}", values={"name": "x"}) == "no value has a field 'nmae'; known: name"


def test_a_value_is_filled_in_once() -> None:
    assert run("template", template="{a}", values={"a": "{b}", "b": "x"}) == {"text": "{b}"}


# all of them


def test_every_function_says_what_it_does_in_a_sentence() -> None:
    for name in FUNCTIONS:
        words = CATALOG.get(name).manifest.description
        assert words.endswith((".", "'"))
        assert words[0].isupper()


def test_what_functions_share_is_no_job_type() -> None:
    assert not (SHIPPED / "functions" / "specialist.toml").exists()
    assert len(FUNCTIONS) == 15


def test_a_filter_that_keeps_nothing_says_what_there_is() -> None:
    items = [{"country": "Peru", "id": 1}, {"country": "Bolivia", "id": 2}, {"id": 3}]
    assert run("filter", items=items, field="country", equals="Chile") == {
        "items": [],
        "kept": 0,
        "note": "none of the 3 items meets the condition: 'country' is Peru, Bolivia there",
    }
    many = [{"n": number} for number in range(9)]
    assert run("filter", items=many, field="n", equals=99)["note"].endswith("'n' is 0, 1, 2, 3, 4, … there")
    assert run("filter", items=[], field="n", equals=1)["note"] == "there are no items to choose from"
    assert "note" not in run("filter", items=many, field="n", equals=3)


def test_a_count_of_nothing_says_why() -> None:
    assert run("count", items=[], field="x") == {"counts": [], "total": 0, "note": "there are no items to count"}
    assert run("count", items=[{"x": []}, None], field="x")["note"] == "none of the 2 items has a value of 'x'"
