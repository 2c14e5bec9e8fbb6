"""The job types without a model: table, count, filter."""

import pytest

from specialists.catalog import load_catalog
from specialists.schemas import value_faults

CATALOG = load_catalog(adapters=False)


def run(name, **input):
    specialist = CATALOG.get(name)
    assert not specialist.input_faults(input)
    output = specialist.function(input)
    assert not value_faults(output, specialist.output_schema, name)
    return output


def test_a_table_joins_lists_side_by_side():
    rows = run("table", columns=[["a", "b"], [{"intent": "x"}, {"intent": "y"}], [{"entities": []}, {"entities": [1]}]])
    assert rows == {
        "rows": [{"value": "a", "intent": "x", "entities": []}, {"value": "b", "intent": "y", "entities": [1]}]
    }


def test_a_name_that_two_columns_share_gets_its_columns_number():
    assert run("table", columns=[[{"intent": "x"}], [{"intent": "y"}]]) == {"rows": [{"intent": "x", "intent_2": "y"}]}


def test_unequal_columns_are_refused_with_their_lengths():
    with pytest.raises(ValueError, match=r"the columns have \[1, 2\] items"):
        run("table", columns=[["a"], ["b", "c"]])


def test_an_empty_list_makes_an_empty_table():
    assert run("table", columns=[[], []]) == {"rows": []}


def test_count_orders_by_frequency_then_value():
    items = [{"intent": "b"}, {"intent": "a"}, {"intent": "b"}, {"intent": "c"}, {}]
    assert run("count", items=items, field="intent") == {
        "counts": [{"value": "b", "count": 2}, {"value": "a", "count": 1}, {"value": "c", "count": 1}],
        "total": 4,
    }


def test_count_goes_into_lists_on_the_way():
    items = [{"entities": [{"type": "person"}, {"type": "location"}]}, {"entities": [{"type": "person"}]}, None]
    counted = run("count", items=items, field="entities.type")
    assert counted == {"counts": [{"value": "person", "count": 2}, {"value": "location", "count": 1}], "total": 3}


def test_filter_takes_the_words_of_a_goal_for_a_label():
    items = [{"intent": "lost_or_stolen_card"}, {"intent": "card_arrival"}]
    assert run("filter", items=items, field="intent", equals="Lost or stolen card") == {"items": items[:1], "kept": 1}


def test_filter_matches_any_element_of_a_list():
    items = [{"entities": [{"type": "person"}, {"type": "misc"}]}, {"entities": []}]
    assert run("filter", items=items, field="entities.type", equals="misc")["items"] == items[:1]
