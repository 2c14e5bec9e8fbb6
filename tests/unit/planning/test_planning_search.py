"""search: from hand-made beliefs, the plan that they mean comes first; it compiles, and never twice."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import Limits
from specialists.planning.normal.normal import normal
from specialists.planning.search.search import search
from specialists.specialist import Specialist
from tests.support.mind import (
    ENTITIES,
    INTENT,
    LIKELY,
    LOOKUP,
    SCORE,
    TEXT,
    TRANSLATE,
    TRIAGE,
    Mind,
    catalog_of,
    job_type,
    listed,
    record,
    request_of,
    told,
)

Json = dict[str, Any]
TYPES = (TRIAGE, SCORE, ENTITIES, TRANSLATE, LOOKUP)
TAGS = job_type("tags", record(text=TEXT), record(tags=listed(TEXT)))
LIMITS = Limits(max_jobs=100, deadline_s=60, max_replans=2)
MAILS = ["my card is lost", "where is my money"]
TICKETS = [{"title": "a", "body": "my card is lost"}, {"title": "b", "body": "where is it"}]
ORDERS = [{"city": "Berlin", "amount": 5, "paid": True}, {"city": "Rome", "amount": 7.5, "paid": False}]
EACH_MAIL = "s1 = triage(text=item) for each inputs.mails"
BESIDE = "s2 = table(columns=[inputs.mails, s1])"


def mind(*types: Specialist, **inputs: Any) -> Mind:
    return Mind(request_of(types or TYPES, **inputs))


def triaging(**inputs: Any) -> Mind:
    """Sure that each mail is triaged."""
    return mind(mails=MAILS, **inputs).uses("triage", text=("item", "mails"))


MEANT = [
    pytest.param(triaging(), [EACH_MAIL], id="each of a list"),
    pytest.param(
        mind(tickets=TICKETS).uses("triage", text=("field", "tickets", "body")),
        ["s1 = triage(text=item.body) for each inputs.tickets"],
        id="a field of each record",
    ),
    pytest.param(
        mind(note="my card is lost").uses("triage", text=("item", "note")).wants("single"),
        ["s1 = triage(text=inputs.note)"],
        id="a single text",
    ),
    pytest.param(
        mind(ticket=TICKETS[0]).uses("triage", text=("field", "ticket", "body")).wants("single"),
        ["s1 = triage(text=inputs.ticket.body)"],
        id="a field of a single record",
    ),
    pytest.param(
        mind(order={"no": 7, "lines": TICKETS}).uses("triage", text=("field", "order", "lines.body")),
        ["s1 = triage(text=item.body) for each inputs.order.lines"],
        id="a list inside an input",
    ),
    pytest.param(
        mind(page={"title": "a", "lines": MAILS}).uses("triage", text=("field", "page", "lines")),
        ["s1 = triage(text=item) for each inputs.page.lines"],
        id="a list of texts inside an input",
    ),
    pytest.param(
        triaging().wants("count").tallies("count", "triage", "intent"),
        [EACH_MAIL, "s2 = count(items=s1, field='intent')"],
        id="counted",
    ),
    pytest.param(
        triaging().wants("filter").selects("triage", "intent", "equals", "lost_card"),
        [EACH_MAIL, BESIDE, "s3 = filter(items=s2.rows, field='intent', equals='lost_card')"],
        id="selected, with what they were",
    ),
    pytest.param(
        triaging().wants("filter", "negate").selects("triage", "intent", "equals", "lost_card"),
        [EACH_MAIL, BESIDE, "s3 = filter(items=s2.rows, field='intent', equals='lost_card', negate=True)"],
        id="all others selected",
    ),
    pytest.param(
        mind(mails=MAILS)
        .uses("score", text=("item", "mails"))
        .wants("filter", "number")
        .selects("score", "score", "at_least", 7),
        [
            "s1 = score(text=item) for each inputs.mails",
            BESIDE,
            "s3 = filter(items=s2.rows, field='score', at_least=7)",
        ],
        id="selected by a number",
    ),
    pytest.param(
        triaging().uses("score", text=("item", "mails")).wants("pair"),
        [
            "s1 = score(text=item) for each inputs.mails",
            "s2 = triage(text=item) for each inputs.mails",
            "s3 = table(columns=[inputs.mails, s1, s2])",
        ],
        id="two types side by side",
    ),
    pytest.param(
        triaging()
        .uses("score", text=("item", "mails"))
        .wants("filter", "count")
        .selects("score", "is_urgent", "equals", True)
        .tallies("count", "triage", "intent"),
        [
            "s1 = score(text=item) for each inputs.mails",
            "s2 = triage(text=item) for each inputs.mails",
            "s3 = table(columns=[inputs.mails, s1, s2])",
            "s4 = filter(items=s3.rows, field='is_urgent', equals=True)",
            "s5 = count(items=s4.items, field='intent')",
        ],
        id="selected by one, counted by another",
    ),
    pytest.param(
        triaging()
        .uses("translate", text=("item", "mails"))
        .wants("filter", "then")
        .selects("triage", "intent", "equals", "lost_card"),
        [
            EACH_MAIL,
            BESIDE,
            "s3 = filter(items=s2.rows, field='intent', equals='lost_card')",
            "s4 = translate(text=item.value) for each s3.items",
        ],
        id="a type on what was selected",
    ),
    pytest.param(
        mind(tickets=TICKETS)
        .uses("triage", text=("field", "tickets", "body"))
        .uses("score", text=("field", "tickets", "title"))
        .wants("filter", "then", "count")
        .selects("triage", "intent", "equals", "lost_card")
        .tallies("count", "score", "is_urgent"),
        [
            "s1 = triage(text=item.body) for each inputs.tickets",
            "s2 = table(columns=[inputs.tickets, s1])",
            "s3 = filter(items=s2.rows, field='intent', equals='lost_card')",
            "s4 = score(text=item.title) for each s3.items",
            "s5 = count(items=s4, field='is_urgent')",
        ],
        id="a type on what was selected, counted",
    ),
    pytest.param(
        mind(mails=MAILS)
        .uses("translate", text=("item", "mails"))
        .uses("triage", text=("out", "translate", "translation"))
        .wants("chain"),
        [
            "s1 = translate(text=item) for each inputs.mails",
            "s2 = triage(text=item.translation) for each s1",
        ],
        id="a chain",
    ),
    pytest.param(
        mind(note="x")
        .uses("translate", text=("item", "note"))
        .uses("triage", text=("out", "translate", "translation"))
        .wants("chain", "single"),
        ["s1 = translate(text=inputs.note)", "s2 = triage(text=s1.translation)"],
        id="a chain, once",
    ),
    pytest.param(
        mind(note="x")
        .uses("entities", text=("item", "note"))
        .uses("lookup", name=("out", "entities", "entities.text"))
        .wants("chain"),
        ["s1 = entities(text=inputs.note)", "s2 = lookup(name=item.text) for each s1.entities"],
        id="each of the list that a type gave",
    ),
    pytest.param(
        mind(TAGS, LOOKUP, note="x")
        .uses("tags", text=("item", "note"))
        .uses("lookup", name=("out", "tags", "tags"))
        .wants("chain"),
        ["s1 = tags(text=inputs.note)", "s2 = lookup(name=item) for each s1.tags"],
        id="each of the texts that a type gave",
    ),
    pytest.param(
        mind(mails=MAILS)
        .uses("entities", text=("item", "mails"))
        .uses("lookup", name=("out", "entities", "entities.text"))
        .wants("chain", "flatten"),
        [
            "s1 = entities(text=item) for each inputs.mails",
            "s2 = flatten(items=s1[].entities)",
            "s3 = lookup(name=item.text) for each s2.items",
        ],
        id="each of the lists that a type gave, made one",
    ),
    pytest.param(
        mind(note="x")
        .uses("entities", text=("item", "note"))
        .wants("single", "count")
        .tallies("count", "entities", "entities.type"),
        ["s1 = entities(text=inputs.note)", "s2 = count(items=s1.entities, field='type')"],
        id="counted inside a list that a type gave",
    ),
    pytest.param(
        mind(mails=MAILS)
        .uses("entities", text=("item", "mails"))
        .wants("count")
        .tallies("count", "entities", "entities.type"),
        ["s1 = entities(text=item) for each inputs.mails", "s2 = count(items=s1, field='entities.type')"],
        id="counted inside the lists that a type gave for each",
    ),
    pytest.param(
        triaging(tickets=TICKETS).uses("score", text=("field", "tickets", "body")).wants("ends"),
        [
            "s1 = score(text=item.body) for each inputs.tickets",
            "s2 = triage(text=item) for each inputs.mails",
        ],
        id="two inputs",
    ),
    pytest.param(
        triaging(tickets=TICKETS).also_binds("triage", "text", "field", "tickets", "body").wants("ends"),
        [EACH_MAIL, "s2 = triage(text=item.body) for each inputs.tickets"],
        id="one type twice",
    ),
    pytest.param(
        mind(mails=MAILS)
        .uses("translate", text=("item", "mails"))
        .says("translate", "language", "French")
        .wants("literal"),
        ["s1 = translate(text=item, language='French') for each inputs.mails"],
        id="an argument that the goal says",
    ),
    pytest.param(
        mind(mails=MAILS)
        .uses("score", text=("item", "mails"))
        .wants("sort", "descending")
        .tallies("sort", "score", "score", descending=True),
        [
            "s1 = score(text=item) for each inputs.mails",
            BESIDE,
            "s3 = sort(items=s2.rows, field='score', descending=True)",
        ],
        id="in order, with what they were",
    ),
    pytest.param(
        mind(mails=MAILS)
        .uses("score", text=("item", "mails"))
        .wants("top")
        .tallies("top", "score", "score", n=3, smallest=True),
        [
            "s1 = score(text=item) for each inputs.mails",
            BESIDE,
            "s3 = top(items=s2.rows, field='score', n=3, smallest=True)",
        ],
        id="the smallest few",
    ),
    pytest.param(
        mind(orders=ORDERS).wants("sum", "untyped").tallies("sum", "orders", "amount"),
        ["s1 = sum(items=inputs.orders, field='amount')"],
        id="functions alone",
    ),
    pytest.param(
        mind(orders=ORDERS)
        .wants("filter", "number", "group", "untyped")
        .selects("orders", "amount", "greater_than", 6)
        .tallies("group", "orders", "city"),
        [
            "s1 = filter(items=inputs.orders, field='amount', greater_than=6)",
            "s2 = group(items=s1.items, field='city')",
        ],
        id="functions alone, one behind another",
    ),
]


@pytest.mark.parametrize(("thought", "plan"), MEANT)
def test_the_plan_that_is_meant_comes_first_and_compiles(thought: Mind, plan: list[str]) -> None:
    first = search(thought.request, thought.beliefs)[0]
    assert told(first.steps) == plan
    assert compile_plan({"steps": first.steps}, catalog_of(*TYPES, TAGS), _inputs(thought), LIMITS)


def _inputs(thought: Mind) -> Json:
    known = {
        "mails": MAILS,
        "tickets": TICKETS,
        "orders": ORDERS,
        "note": "x",
        "ticket": TICKETS[0],
        "order": {"no": 7, "lines": TICKETS},
        "page": {"title": "a", "lines": MAILS},
    }
    return {given.name: known[given.name] for given in thought.request.given}


def test_no_plan_comes_twice_and_the_likeliest_comes_first() -> None:
    thought = triaging(tickets=TICKETS).wants("filter", "ends").selects("triage", "intent", "equals", "lost_card")
    found = search(thought.request, thought.beliefs, 24)
    assert len({repr(candidate.steps) for candidate in found}) == len(found) > 5
    assert [candidate.score for candidate in found] == sorted((each.score for each in found), reverse=True)


def test_no_more_plans_come_than_are_asked_for() -> None:
    thought = triaging(tickets=TICKETS)
    assert len(search(thought.request, thought.beliefs, 3)) == 3


def test_what_nothing_can_be_bound_to_has_no_plan() -> None:
    numeric = job_type("square", record(side={"type": "number"}), record(area={"type": "number"}))
    thought = mind(numeric, mails=MAILS)
    assert search(thought.request, thought.beliefs) == []


def test_without_job_types_and_records_there_is_no_plan() -> None:
    request = request_of((), mails=MAILS)
    assert search(request, Mind(request).beliefs) == []


def test_an_optional_parameter_that_nothing_is_said_of_is_left_out() -> None:
    thought = mind(mails=MAILS).uses("translate", text=("item", "mails"))
    (step,) = search(thought.request, thought.beliefs)[0].steps
    assert set(step["args"]) == {"text"}


def test_a_text_never_fills_a_parameter_of_another_kind() -> None:
    typed = job_type("rate", record(text=TEXT, stars={"type": "integer"}), record(rate={"type": "number"}))
    thought = mind(typed, mails=MAILS).uses("rate", text=("item", "mails")).also_binds("rate", "stars", "item", "mails")
    assert search(thought.request, thought.beliefs) == []
    thought.says("rate", "stars", 5)
    assert told(search(thought.request, thought.beliefs)[0].steps) == [
        "s1 = rate(text=item, stars=5) for each inputs.mails"
    ]


def test_labels_that_no_label_of_the_parameter_is_among_are_not_bound() -> None:
    reply = job_type("reply", record(mood={"enum": ["kind", "firm"]}), record(reply=TEXT))
    thought = mind(TRIAGE, reply, mails=MAILS).uses("triage", text=("item", "mails"))
    thought.uses("reply", mood=("out", "triage", "intent")).wants("chain")
    found = [step["args"].get("mood") for each in search(thought.request, thought.beliefs) for step in each.steps]
    assert {"$ref": "item.intent"} not in found


def test_types_that_feed_each_other_are_no_plan() -> None:
    ping = job_type("ping", record(pong=TEXT), record(ping=TEXT))
    pong = job_type("pong", record(ping=TEXT), record(pong=TEXT))
    thought = mind(ping, pong).uses("ping", pong=("out", "pong", "pong")).uses("pong", ping=("out", "ping", "ping"))
    assert search(thought.request, thought.beliefs) == []


def test_what_feeds_a_type_comes_though_the_goal_does_not_speak_of_it() -> None:
    reply = job_type("reply", record(text=TEXT, intent=INTENT), record(reply=TEXT))
    thought = mind(TRIAGE, reply, mails=MAILS).uses("reply", text=("item", "mails"), intent=("out", "triage", "intent"))
    thought.also_binds("triage", "text", "item", "mails").wants("chain")
    assert told(search(thought.request, thought.beliefs)[0].steps) == [
        EACH_MAIL,
        BESIDE,
        "s3 = reply(text=item.value, intent=item.intent) for each s2.rows",
    ]


def test_a_condition_says_which_step_selects_by_it_and_which_words_it_is_from() -> None:
    thought = triaging().wants("filter").selects("triage", "intent", "equals", "lost_card", words="lost their card")
    ((step, condition),) = search(thought.request, thought.beliefs)[0].conditions
    assert (step, condition.value, condition.words, condition.probability) == (
        "s3",
        "lost_card",
        "lost their card",
        LIKELY,
    )


@pytest.mark.parametrize("name", ["s1", "item", "inputs", "triage", "Mails (March)", "受信箱", "7"])
def test_inputs_may_be_called_as_steps_items_and_job_types_are(name: str) -> None:
    thought = mind(TRIAGE, **{name: MAILS}).uses("triage", text=("item", name)).wants("count")
    thought.tallies("count", "triage", "intent")
    assert told(search(thought.request, thought.beliefs)[0].steps) == [
        f"s1 = triage(text=item) for each inputs.{name}",
        "s2 = count(items=s1, field='intent')",
    ]


def test_what_lists_hold_that_each_item_has_may_be_selected_and_so_may_the_items() -> None:
    """Which places do they name, and which of them name a place, are two questions."""
    thought = mind(mails=MAILS).uses("entities", text=("item", "mails")).wants("filter", "flatten")
    thought.selects("entities", "entities.type", "equals", "location")
    assert told(search(thought.request, thought.beliefs)[0].steps) == [
        "s1 = entities(text=item) for each inputs.mails",
        "s2 = flatten(items=s1[].entities)",
        "s3 = filter(items=s2.items, field='type', equals='location')",
    ]
    of_items = mind(mails=MAILS).uses("entities", text=("item", "mails")).wants("filter")
    of_items.selects("entities", "entities.type", "equals", "location")
    first = search(of_items.request, of_items.beliefs)[0].steps
    assert told(first)[-1] == "s3 = filter(items=s2.rows, field='entities.type', equals='location')"
    forms = [normal(each, of_items.request) for each in (first, search(thought.request, thought.beliefs)[0].steps)]
    assert forms[0] != forms[1]


def test_two_results_of_which_one_looks_into_what_the_other_is_given_are_written_whole() -> None:
    thought = mind(TRIAGE, ENTITIES, mails=MAILS).uses("entities", text=("item", "mails"))
    thought.uses("triage", text=("item", "mails")).wants("filter", "flatten", "ends", "then")
    thought.selects("entities", "entities.type", "equals", "location").selects(
        "triage", "intent", "equals", "lost_card"
    )
    catalog = catalog_of(TRIAGE, ENTITIES)
    for each in search(thought.request, thought.beliefs):
        compile_plan({"steps": each.steps}, catalog, {"mails": MAILS}, LIMITS)
