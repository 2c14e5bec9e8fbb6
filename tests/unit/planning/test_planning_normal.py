"""normal: plans that do the same have one normal form, however they are written; others have another."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.planning.normal.form import Normal
from specialists.planning.normal.normal import normal
from specialists.planning.normal.wants import wants_of
from tests.support.mind import ENTITIES, LOOKUP, SCORE, TRANSLATE, TRIAGE, request_of

Json = dict[str, Any]
TYPES = (TRIAGE, SCORE, ENTITIES, TRANSLATE, LOOKUP)
INPUTS: Json = {
    "mails": ["my card is lost", "where is it"],
    "note": "a text",
    "tickets": [{"title": "a", "body": "b", "minutes": 5}],
}
REQUEST = request_of(TYPES, **INPUTS)


def ref(path: str) -> Json:
    return {"$ref": path}


def one(step_id: str, job_type: str, **args: Any) -> Json:
    return {"id": step_id, "type": job_type, "args": args}


def each(step_id: str, job_type: str, over: str, item: str = "item", **args: Any) -> Json:
    """`args`: paths."""
    bound = {name: ref(path) for name, path in args.items()}
    return {"id": step_id, "type": job_type, "map": {"over": ref(over), "as": item}, "args": bound}


def form(*steps: Json) -> Normal:
    return normal(steps, REQUEST)


SORTED = each("s1", "triage", "inputs.mails", text="item")
RATED = each("s2", "score", "inputs.mails", text="item")


def test_ids_the_name_of_the_item_and_the_order_of_steps_make_no_difference() -> None:
    other = [
        each("s7", "score", "inputs.mails", "mail", text="mail"),
        each("s9", "triage", "inputs.mails", "m", text="m"),
    ]
    assert form(SORTED, RATED) == form(*other)


def test_counting_what_a_type_gave_is_counting_it_in_rows() -> None:
    bare = one("s2", "count", items=ref("s1"), field="intent")
    rows = one("s2", "table", columns=[ref("inputs.mails"), ref("s1")])
    assert form(SORTED, bare) == form(SORTED, rows, one("s3", "count", items=ref("s2.rows"), field="intent"))


def test_columns_in_another_order_are_the_same_rows() -> None:
    def selected(*columns: str) -> Normal:
        table = one("s3", "table", columns=[ref(column) for column in columns])
        return form(SORTED, RATED, table, one("s4", "filter", items=ref("s3.rows"), field="intent", equals="lost_card"))

    assert selected("inputs.mails", "s1", "s2") == selected("s2", "inputs.mails", "s1")


def test_a_field_that_a_table_has_numbered_is_that_of_its_column() -> None:
    again = each("s2", "triage", "inputs.tickets", text="item.body")
    bare = one("s3", "count", items=ref("s2"), field="intent")
    table = one("s3", "table", columns=[ref("s1"), ref("s2")])
    numbered = one("s4", "count", items=ref("s3.rows"), field="intent_2")
    found = {operation.origin for operation in form(SORTED, again, table, numbered).operations}
    assert found == {operation.origin for operation in form(SORTED, again, bare).operations}


@pytest.mark.parametrize("value", ["lost_card", "lost card", "Lost Card"])
def test_a_label_may_be_written_as_people_do(value: str) -> None:
    def selected(equals: str) -> Normal:
        return form(SORTED, one("s2", "filter", items=ref("s1"), field="intent", equals=equals))

    assert selected(value) == selected("lost_card")


def test_a_flag_that_is_off_is_none() -> None:
    bare = one("s1", "sort", items=ref("inputs.tickets"), field="minutes")
    assert form(bare) == form({**bare, "args": {**bare["args"], "descending": False}})


@pytest.mark.parametrize(
    "other",
    [
        pytest.param([SORTED, RATED], id="a step more"),
        pytest.param([each("s1", "triage", "inputs.tickets", text="item.title")], id="another input"),
        pytest.param([one("s1", "triage", text=ref("inputs.note"))], id="once"),
        pytest.param([each("s1", "score", "inputs.mails", text="item")], id="another type"),
        pytest.param([SORTED, one("s2", "count", items=ref("s1"), field="intent")], id="counted"),
    ],
)
def test_what_does_something_else_has_another_form(other: list[Json]) -> None:
    assert form(SORTED) != form(*other)


@pytest.mark.parametrize(
    "change", [{"field": "is_urgent"}, {"equals": "card_arrival"}, {"negate": True}], ids=["field", "value", "negated"]
)
def test_a_selection_by_something_else_is_another(change: Json) -> None:
    args = {"items": ref("s3.rows"), "field": "intent", "equals": "lost_card"}
    rows = one("s3", "table", columns=[ref("s1"), ref("s2")])
    one_way, other = (form(SORTED, RATED, rows, one("s4", "filter", **with_)) for with_ in (args, {**args, **change}))
    assert one_way != other


def test_a_type_on_what_was_selected_is_not_the_type_on_all() -> None:
    table = one("s2", "table", columns=[ref("inputs.mails"), ref("s1")])
    kept = one("s3", "filter", items=ref("s2.rows"), field="intent", equals="lost_card")
    then = each("s4", "translate", "s3.items", text="item.value")
    of_all = each("s4", "translate", "inputs.mails", text="item")
    (use,) = [use for use in form(SORTED, table, kept, then).uses if use.type == "translate"]
    assert use.kept
    assert form(SORTED, table, kept, then) != form(SORTED, table, kept, of_all)


def test_ends_are_the_steps_that_no_other_needs() -> None:
    assert form(SORTED, RATED).ends == 2
    assert form(SORTED, one("s2", "count", items=ref("s1"), field="intent")).ends == 1


WANTED = [
    pytest.param([SORTED], set(), id="a map wants nothing"),
    pytest.param([one("s1", "triage", text=ref("inputs.note"))], {"single"}, id="once"),
    pytest.param([SORTED, RATED], {"ends"}, id="two results"),
    pytest.param([SORTED, RATED, one("s3", "table", columns=[ref("s1"), ref("s2")])], {"pair"}, id="pair"),
    pytest.param(
        [SORTED, one("s2", "filter", items=ref("s1"), field="intent", equals="lost_card", negate=True)],
        {"filter", "negate"},
        id="all others",
    ),
    pytest.param(
        [one("s1", "filter", items=ref("inputs.tickets"), field="minutes", at_least=3)],
        {"filter", "number", "untyped"},
        id="a number",
    ),
    pytest.param(
        [one("s1", "top", items=ref("inputs.tickets"), field="minutes", n=3)],
        {"top", "descending", "untyped"},
        id="the largest",
    ),
    pytest.param(
        [one("s1", "top", items=ref("inputs.tickets"), field="minutes", n=3, smallest=True)],
        {"top", "untyped"},
        id="the smallest",
    ),
    pytest.param(
        [
            each("s1", "translate", "inputs.mails", text="item"),
            each("s2", "triage", "s1", text="item.translation"),
        ],
        {"chain"},
        id="a chain",
    ),
    pytest.param(
        [one("s1", "translate", text=ref("inputs.note"), language="French")],
        {"single", "literal"},
        id="a literal",
    ),
    pytest.param(
        [
            each("s1", "entities", "inputs.mails", text="item"),
            one("s2", "flatten", items=ref("s1[].entities")),
            each("s3", "lookup", "s2.items", name="item.text"),
        ],
        {"chain", "flatten"},
        id="lists made one",
    ),
]


@pytest.mark.parametrize(("steps", "wanted"), WANTED)
def test_what_a_plan_asks_for_is_read_off_its_steps(steps: list[Json], wanted: set[str]) -> None:
    assert {want for want, has in wants_of(form(*steps), steps).items() if has} == wanted


def test_a_plan_never_says_that_it_is_impossible() -> None:
    assert wants_of(form(SORTED), [SORTED])["impossible"] is False
