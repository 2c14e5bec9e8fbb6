"""A plan drawn for people: rows with lanes, what it costs, and what planning came to."""

from __future__ import annotations

import re
from typing import Any

from coordinator.commands.views.costs import cost_words, jobs_words
from coordinator.commands.views.drawing import planned_drawing
from coordinator.commands.views.lanes import rows_of
from coordinator.commands.views.nodes import nodes_of
from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import Plan
from coordinator.rehearsal.cost import Cost, Jobs, cost_of
from coordinator.rehearsal.planned import Planned, plan_goal, planned_view
from tests.support.story import CATALOG, COUNT, JOIN, LEAVING_OUT, LIMITS, SORT, ref
from tests.support.terminal import shown

Json = dict[str, Any]
INPUTS: Json = {"messages": ["my card is lost", "where is my money", "close my account"]}
NAMES = {**SORT, "id": "s2", "type": "entities"}
BOTH = {"id": "s3", "type": "table", "args": {"columns": [ref("inputs.messages"), ref("s1"), ref("s2")]}}
KEPT = {
    "id": "s3",
    "type": "filter",
    "args": {"items": ref("s2.rows"), "field": "intent", "equals": "lost_or_stolen_card"},
}
AGAIN = {
    "id": "s4",
    "type": "entities",
    "map": {"over": ref("s3.items"), "as": "row"},
    "args": {"text": ref("row.value")},
}
FROM = {"step": "s3", "argument": "equals", "value": "lost_or_stolen_card", "from": "people who lost their card"}


def plan_of(*steps: Json, inputs: Json = INPUTS, **rest: Any) -> Plan:
    return compile_plan({"steps": list(steps), **rest}, CATALOG, inputs, LIMITS)


def cost(*steps: Json, inputs: Json = INPUTS) -> Cost:
    return cost_of(plan_of(*steps, inputs=inputs), inputs, CATALOG)


def lanes(*steps: Json, inputs: Json = INPUTS, **rest: Any) -> list[str]:
    plan = plan_of(*steps, inputs=inputs, **rest)
    return [row.lanes for row in rows_of(nodes_of(plan, inputs, cost_of(plan, inputs, CATALOG)))]


def test_a_chain_goes_down_from_its_input_to_the_result() -> None:
    assert lanes(SORT, {**COUNT, "id": "s2", "args": {"items": ref("s1"), "field": "intent"}}) == [
        "●",
        "╰▶●",
        "  ╰▶●",
        "    ╰▶",
    ]


def test_lanes_part_and_meet_and_cross() -> None:
    assert lanes(SORT, NAMES, BOTH) == [
        "●",
        "├▶●",
        "├─│▶●",
        "╰─┴─┴▶●",
        "      ╰▶",
    ]


def test_a_step_that_is_used_again_keeps_its_lane() -> None:
    counted = {"id": "s3", "type": "count", "args": {"items": ref("s1"), "field": "intent"}}
    assert lanes(SORT, JOIN, counted, result={"rows": ref("s2"), "counts": ref("s3")}) == [
        "●",
        "├▶●",
        "╰─┼▶●",
        "  ╰─│▶●",
        "    ╰─┴▶",
    ]


def test_a_step_is_drawn_behind_what_it_needs_however_they_are_written() -> None:
    table = {**JOIN, "id": "s1", "args": {"columns": [ref("inputs.messages"), ref("s2")]}}
    assert lanes(table, NAMES) == ["●", "├▶●", "╰─┴▶●", "    ╰▶"]


def test_order_alone_is_drawn_as_well() -> None:
    note = {"id": "s2", "type": "triage", "args": {"text": "a text"}, "after": ["s1"]}
    assert lanes(SORT, note) == ["●", "╰▶●", "  ╰▶●", "    ╰▶"]


def test_a_plan_without_inputs_begins_at_its_first_step() -> None:
    assert lanes({"id": "s1", "type": "triage", "args": {"text": "a text"}}, inputs={}) == ["●", "╰▶"]


def test_lines_of_what_is_said_beside_do_not_break_the_lanes() -> None:
    plan = plan_of(SORT, NAMES, BOTH)
    rows = rows_of(nodes_of(plan, INPUTS, cost_of(plan, INPUTS, CATALOG)), width=14)
    assert [(row.lanes, row.text) for row in rows[2:6]] == [
        ("├▶●", "for each item"),
        ("│ │", "of inputs.mess"),
        ("│ │", "ages: text ="),
        ("│ │", "item"),
    ]


def planned(*plans: list[Json], answer: str = "plan", reason: str = "", inputs: Json = INPUTS, **told: Any) -> Planned:
    drafts = [{"steps": steps, "words": f"plan {n} in words", "confidence": 1 - n / 10, "grounded": [FROM]}
              for n, steps in enumerate(plans, 1)]  # fmt: skip
    output = {"answer": answer, "confidence": 0.9, "reason": reason, "plans": drafts, **told}
    return plan_goal("sort them", inputs, CATALOG, LIMITS, lambda _: output)


def drawn(planned: Planned, inputs: Json = INPUTS, width: int = 160) -> str:
    costs = {place: cost_of(each.plan, inputs, CATALOG) for place, each in enumerate(planned.candidates)}
    return shown(planned_drawing(planned, inputs, costs, width), width)


def test_a_plan_is_drawn_with_its_words_its_confidence_its_grounding_and_its_cost() -> None:
    text = drawn(planned([SORT, JOIN, KEPT, AGAIN]))
    assert [re.sub("  +", "  ", line.rstrip()) for line in text.splitlines()] == [
        "This is the plan",
        "",
        "Plan 1 in words (confidence 0.90)",
        "●  messages  a list of 3 items",
        "├▶●  s1 triage  for each item of inputs.messages: text = item  3 jobs",
        "╰─┴▶●  s2 table  columns = [inputs.messages, s1]  1 job",
        '  ╰▶●  s3 filter  items = s2.rows, field = "intent", equals = "lost_or_stolen_card"  1 job',
        '  │  "lost_or_stolen_card" is read from "people who lost their card"',
        "  ╰▶●  s4 entities  for each row of s3.items: text = row.value  at most 3 jobs",
        "  ╰▶  result",
        "Cost: at most 8 jobs, 6 of them by models.",
    ]


def test_a_narrow_terminal_gets_the_same_in_more_lines() -> None:
    text = drawn(planned([SORT, JOIN, KEPT, AGAIN]), width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "…" not in text
    assert "at most 3 jobs" in text


def test_an_input_that_the_plan_leaves_out_is_said_to_be_so() -> None:
    inputs = {**INPUTS, "archive": ["old"], "limit": 3, "note": "short", "long": "x" * 50, "order": {"id": 1, "day": 2}}
    text = drawn(planned([SORT], inputs=inputs), inputs)
    assert "archive    a list of 1 item, which the plan does not use" in text
    for words in ("a text of 50 characters", '"short"', "fields: id, day", "limit      3"):
        assert words in text


def test_alternatives_are_numbered_under_what_is_not_clear() -> None:
    text = drawn(planned([SORT], [SORT, JOIN], answer="unsure", reason="a list or a table"))
    assert text.startswith("It is not clear which plan is meant: a list or a table\n")
    assert "1. Plan 1 in words (confidence 0.90)" in text
    assert "2. Plan 2 in words (confidence 0.80)" in text
    assert text.count("Cost: ") == 2


def test_a_refusal_is_its_reason() -> None:
    told = planned(answer="refused", reason="nothing here translates; nearest: triage")
    assert drawn(told).strip() == "This cannot be done here: nothing here translates; nearest: triage"


def test_plans_that_cannot_run_are_told_with_their_faults() -> None:
    told = planned([{**SORT, "type": "sumarize"}])
    assert drawn(told).startswith("There is no plan that can run: step 's1' (sumarize): unknown job type")
    assert told.draft == {"steps": [{**SORT, "type": "sumarize", **LEAVING_OUT}]}


def test_words_with_markup_are_shown_as_they_are() -> None:
    inputs = {"messages": INPUTS["messages"], "note": "[red]not red[/red]"}
    assert '"[red]not red[/red]"' in drawn(planned([SORT], inputs=inputs), inputs)


def test_programs_get_the_plans_with_their_words_and_their_jobs() -> None:
    told = planned([SORT, JOIN, KEPT, AGAIN])
    view = planned_view(told, {0: cost_of(told.candidates[0].plan, INPUTS, CATALOG)})
    (only,) = view["plans"]
    assert only["plan"]["steps"][3] == {**AGAIN, **LEAVING_OUT}
    assert only["grounded"] == [FROM]
    assert only["jobs"]["s4"] == {"count": 3, "exact": False}
    assert only["jobs_in_all"] == {"count": 8, "exact": False}
    assert (view["answer"], view["confidence"], view["reason"]) == ("plan", 0.9, None)


def test_jobs_are_counted_where_lists_are_known() -> None:
    over_rows = {
        "id": "s3",
        "type": "triage",
        "map": {"over": ref("s2.rows"), "as": "row"},
        "args": {"text": ref("row.value")},
    }
    assert cost(SORT, JOIN, over_rows).steps == {"s1": Jobs(3), "s2": Jobs(1), "s3": Jobs(3)}
    again = {**SORT, "id": "s2", "map": {"over": ref("s1"), "as": "item"}, "args": {"text": ref("item.intent")}}
    assert cost(SORT, again).jobs == Jobs(6)


def test_what_a_function_keeps_is_bounded_by_what_it_is_given() -> None:
    first: dict[str, Any] = {"id": "s4", "type": "top", "args": {"items": ref("s3.items"), "n": 2}}
    each = {**AGAIN, "id": "s5", "map": {"over": ref("s4.items"), "as": "row"}}
    assert cost(SORT, JOIN, KEPT, first, each).steps["s5"] == Jobs(2, exact=False)
    assert cost(SORT, JOIN, KEPT, {**first, "args": {**first["args"], "n": 9}}, each).steps["s5"] == Jobs(
        3, exact=False
    )


def test_a_list_of_each_element_is_as_long_as_the_elements() -> None:
    inputs = {"tickets": [{"text": "a"}, {"text": "b"}]}
    step = {**SORT, "map": {"over": ref("inputs.tickets[].text"), "as": "item"}}
    assert cost(step, inputs=inputs).jobs == Jobs(2)
    assert lanes(step, inputs=inputs) == ["●", "╰▶●", "  ╰▶"]


def test_a_list_that_a_model_makes_is_known_when_the_plan_runs() -> None:
    names = {"id": "s1", "type": "entities", "args": {"text": "Anna left Oslo"}}
    each = {
        "id": "s2",
        "type": "triage",
        "map": {"over": ref("s1.entities"), "as": "e"},
        "args": {"text": ref("e.text")},
    }
    told = cost(names, each)
    assert told.steps == {"s1": Jobs(1), "s2": Jobs(None)}
    assert cost_words(told) == "at least 1 job; how many more is known when the plan runs"
    assert jobs_words(told.steps["s2"]) == "jobs: known when it runs"


def test_a_cost_is_said_in_words() -> None:
    assert cost_words(cost(SORT)) == "3 jobs, each by a model"
    counted = {"id": "s1", "type": "count", "args": {"items": ref("inputs.messages"), "field": "value"}}
    assert cost_words(cost(counted)) == "1 job, by no model"
    many = {"messages": ["a"] * 12}
    assert cost_words(cost(SORT, JOIN, inputs=many)) == "13 jobs, 12 of them by models"
