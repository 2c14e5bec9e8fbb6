"""drafting: steps that are well typed by how they are written, and rows with the names that `table` gives them."""

from __future__ import annotations

from specialists.planning.drafts.draft import Draft
from specialists.planning.drafts.rows import Rows, rows_of
from specialists.planning.parts.place import Place
from tests.support.mind import ENTITIES, SCORE, TRIAGE, request_of, told

TICKETS = [{"title": "a", "body": "b", "intent": "c"}]
REQUEST = request_of([TRIAGE, SCORE, ENTITIES], mails=["a"], tickets=TICKETS, order={"lines": TICKETS, "no": 7})
MAILS, TICKET_LIST, ORDER = REQUEST.given
TRIAGED = REQUEST.by_name["triage"]


def owner(rows: Rows) -> str:
    return rows.columns[0].owner


def test_an_input_list_is_rows_of_its_elements_fields() -> None:
    (column,) = rows_of(TICKET_LIST).columns
    assert (column.ref, column.names) == ("inputs.tickets", ("title", "body", "intent"))


def test_a_list_inside_an_input_has_the_fields_of_its_elements() -> None:
    (column,) = rows_of(ORDER, path="lines").columns
    assert (column.ref, column.names) == ("inputs.order.lines", ("title", "body", "intent"))


def test_the_same_step_twice_is_one() -> None:
    draft = Draft()
    first = draft.add("count", {"items": {"$ref": "s1"}, "field": "intent"})
    assert draft.add("count", {"items": {"$ref": "s1"}, "field": "intent"}) == first
    assert draft.add("count", {"items": {"$ref": "s1"}, "field": "score"}) == "s2"


def test_a_type_over_rows_that_stand_apart_goes_over_the_list_itself() -> None:
    draft, rows = Draft(), rows_of(TICKET_LIST)
    draft.apply_each(TRIAGED, rows, [("text", Place(owner(rows), "body"))], {})
    assert told(draft.steps) == ["s1 = triage(text=item.body) for each inputs.tickets"]


def test_what_is_needed_of_two_columns_is_put_side_by_side_first() -> None:
    draft, rows = Draft(), rows_of(MAILS)
    rows, step = draft.apply_each(TRIAGED, rows, [("text", Place(owner(rows)))], {})
    rows = draft.with_column(rows, "triage", step, ["intent"])
    score = REQUEST.by_name["score"]
    draft.apply_each(score, rows, [("text", Place(owner(rows))), ("note", Place("triage", "intent"))], {})
    assert told(draft.steps)[1:] == [
        "s2 = table(columns=[inputs.mails, s1])",
        "s3 = score(text=item.value, note=item.intent) for each s2.rows",
    ]


def test_a_field_that_an_earlier_column_has_is_named_with_its_columns_number() -> None:
    draft, rows = Draft(), rows_of(TICKET_LIST)
    rows = draft.merge(draft.with_column(rows, "triage", "s1", ["intent"]))
    assert draft.item_path(rows, Place(owner(rows), "intent")) == "intent"
    assert draft.item_path(rows, Place("triage", "intent")) == "intent_2"


def test_what_is_inside_a_field_keeps_its_path() -> None:
    draft, rows = Draft(), rows_of(MAILS)
    rows = draft.merge(draft.with_column(rows, "entities", "s1", ["entities"]))
    assert draft.item_path(rows, Place("entities", "entities.type")) == "entities.type"
    assert draft.item_path(rows, Place(owner(rows))) == "value"


def test_rows_that_are_merged_stay_so_and_a_new_table_begins_with_them() -> None:
    draft, rows = Draft(), rows_of(MAILS)
    rows = draft.merge(draft.with_column(rows, "triage", "s1", ["intent"]))
    assert draft.merge(rows) is rows
    grown = draft.merge(draft.with_column(rows, "score", "s2", ["score", "intent"]))
    assert told(draft.steps)[1:] == ["s2 = table(columns=[s1.rows, s2])"]
    names = {place: draft.item_path(grown, place) for place in (Place("triage", "intent"), Place("score", "intent"))}
    assert list(names.values()) == ["intent", "intent_2"]


def test_a_step_that_is_done_once_has_no_map() -> None:
    draft = Draft()
    assert draft.apply(TRIAGED, {"text": {"$ref": "inputs.note"}}) == "s1"
    assert told(draft.steps) == ["s1 = triage(text=inputs.note)"]
