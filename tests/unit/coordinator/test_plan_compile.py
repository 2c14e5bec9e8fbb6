"""compile_plan: what it accepts, and that every refusal names the step and what is known."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.plans.compiler import compile_open, compile_plan
from coordinator.plans.plan import Limits, Plan, PlanRefused
from specialists.catalog import load_catalog

CATALOG = load_catalog(adapters=False)
LIMITS = Limits(max_jobs=100, deadline_s=60, max_replans=2)
INPUTS = {"messages": ["my card is lost", "where is my money"], "note": "a text", "order": {"number": 7}}
Json = dict[str, Any]


def ref(path: str) -> Json:
    return {"$ref": path}


def each(step_id: str, job_type: str = "triage", over: str = "inputs.messages", text: str = "item") -> Json:
    return {"id": step_id, "type": job_type, "map": {"over": ref(over), "as": "item"}, "args": {"text": ref(text)}}


def one(step_id: str, job_type: str, **args: Any) -> Json:
    return {"id": step_id, "type": job_type, "args": args}


def compiled(*steps: Json, inputs: Json = INPUTS, **rest: Any) -> Plan:
    return compile_plan({"steps": list(steps), **rest}, CATALOG, inputs, LIMITS)


def faults_of(*steps: Json, **rest: Any) -> list[str]:
    with pytest.raises(PlanRefused) as refused:
        compiled(*steps, **rest)
    return refused.value.faults


def test_a_map_with_a_join_and_a_count_is_accepted() -> None:
    table = one("s3", "table", columns=[ref("inputs.messages"), ref("s1"), ref("s2")])
    plan = compiled(each("s1"), each("s2", "entities"), table, one("s4", "count", items=ref("s1"), field="intent"))
    assert plan.step("s3").needs() == {"s1", "s2"}
    assert plan.result == {"s3": ref("s3"), "s4": ref("s4")}


def test_one_sink_is_the_result_by_itself() -> None:
    assert compiled(each("s1"), one("s2", "count", items=ref("s1"), field="intent")).result == ref("s2")


def test_a_path_into_an_output_is_typed_by_its_schema() -> None:
    plan = compiled(one("s1", "triage", text=ref("inputs.note")), one("s2", "triage", text=ref("s1.intent")))
    assert plan.step("s2").needs() == {"s1"}


def test_steps_may_be_written_in_any_order() -> None:
    plan = compiled(one("s1", "count", items=ref("s2"), field="intent"), each("s2"))
    assert plan.step("s1").needs() == {"s2"}


def test_a_map_may_go_over_a_list_in_an_output() -> None:
    table = one("s2", "table", columns=[ref("inputs.messages")])
    step = {
        "id": "s3",
        "type": "count",
        "map": {"over": ref("s2.rows"), "as": "row"},
        "args": {"items": [ref("row")], "field": "value"},
    }
    assert compiled(table, step).step("s3").needs() == {"s2"}


def test_own_limits_may_be_tighter_and_the_deadline_any() -> None:
    plan = compiled(each("s1"), limits={"max_jobs": 2, "deadline_s": 3600})
    assert (plan.limits.max_jobs, plan.limits.deadline_s, plan.limits.max_replans) == (2, 3600, 2)


REFUSALS = [
    pytest.param(
        [one("s1", "sumarize", text="x")],
        ["step 's1' (sumarize): unknown job type; known: average, call, command,"],
        id="unknown job type",
    ),
    pytest.param([each("s1"), each("s1")], ["step 's1' (triage): another step has this id"], id="id twice"),
    pytest.param([one("inputs", "triage", text="x")], ["'inputs' is reserved"], id="reserved id"),
    pytest.param(
        [one("s1", "triage", text=ref("s9.intent"))],
        ["reference 's9.intent': no step 's9'; known: s1, inputs"],
        id="unknown step",
    ),
    pytest.param(
        [one("s1", "triage", text=ref("inputs.mesages"))],
        ["no 'mesages' there; known: messages, note, order"],
        id="unknown input",
    ),
    pytest.param(
        [each("s1"), one("s2", "triage", text=ref("s1.intent"))],
        ["'intent' is asked of a list; map over the list"],
        id="path through a list",
    ),
    pytest.param(
        [one("s1", "triage", text=ref("inputs.note.x"))], ["'x' is asked of a string"], id="path through a string"
    ),
    pytest.param(
        [one("s1", "triage", text=ref("inputs.messages"))],
        ["args.text: 'inputs.messages' must be string, is array"],
        id="list for a string",
    ),
    pytest.param(
        [one("s1", "triage", text=ref("inputs.order.number"))], ["must be string, is integer"], id="number for a string"
    ),
    pytest.param(
        [one("s1", "count", items=ref("inputs.note"), field="x")],
        ["args.items: 'inputs.note' must be array, is string"],
        id="string for a list",
    ),
    pytest.param(
        [one("s1", "table", columns=[ref("inputs.note")])],
        ["args.columns.0: 'inputs.note' must be array"],
        id="inside a literal list",
    ),
    pytest.param([one("s1", "triage")], ["step 's1' (triage): args: missing 'text'"], id="missing argument"),
    pytest.param(
        [one("s1", "triage", text=ref("inputs.note"), tone="x")],
        ["args: unknown 'tone'; known: text"],
        id="unknown argument",
    ),
    pytest.param(
        [one("s1", "triage", text=7)], ["args.text: must be string, is integer"], id="literal of the wrong type"
    ),
    pytest.param(
        [one("s1", "triage", text="x" * 2001)], ["args.text: 2001 characters, maxLength is 2000"], id="literal too long"
    ),
    pytest.param(
        [one("s1", "triage", text={"$ref": "inputs.note", "x": 1})],
        ["a reference holds '$ref' alone; it also has 'x'"],
        id="more than a reference",
    ),
    pytest.param(
        [one("s1", "triage", text={"$ref": "inputs..note"})],
        ["must be names with dots between"],
        id="malformed reference",
    ),
    pytest.param([one("s1", "triage", text=ref("item"))], ["no step 'item'"], id="item without a map"),
    pytest.param(
        [each("s1", over="inputs.note")], ["map.over: 'inputs.note' must be array, is string"], id="map over a text"
    ),
    pytest.param(
        [{**each("s1"), "map": {"over": {"list": ["a"]}, "as": "item"}}],
        ["map.over: must be a reference"],
        id="map over a literal",
    ),
    pytest.param(
        [{**each("s1"), "map": {"over": ref("inputs.messages"), "as": "s2"}}, each("s2")],
        ["'s2' is already the name"],
        id="variable named as a step",
    ),
    pytest.param([{**each("s1"), "after": ["s7"]}], ["after: no step 's7'; known: s1"], id="after an unknown step"),
    pytest.param([one("s1", "triage", text=ref("s1.intent"))], ["plan: a cycle: s1 needs s1"], id="needs itself"),
    pytest.param(
        [one("s1", "triage", text=ref("s2.intent")), one("s2", "triage", text=ref("s1.intent"))],
        ["plan: a cycle: s1 needs s2 needs s1"],
        id="cycle",
    ),
    pytest.param(
        [{**each("s1"), "after": ["s2"]}, {**each("s2"), "after": ["s1"]}], ["plan: a cycle"], id="cycle by order"
    ),
    pytest.param([{"id": "s1", "args": {}}], ["step 's1': type: Field required"], id="no type"),
    pytest.param([{**each("s1"), "if": "x"}], ["step 's1': if: Extra inputs are not permitted"], id="unknown field"),
    pytest.param(["triage"], ["step number 1: "], id="no object"),
    pytest.param([], ["a plan is an object with a list 'steps' of at least one step"], id="no steps"),
]


@pytest.mark.parametrize(("steps", "expected"), REFUSALS)
def test_a_draft_with_a_fault_is_refused_with_a_sentence(steps: list[Any], expected: list[str]) -> None:
    faults = faults_of(*steps)
    for sentence in expected:
        assert any(sentence in fault for fault in faults), faults


def test_all_faults_come_at_once() -> None:
    faults = faults_of(
        one("s1", "sumarize", text=ref("inputs.nothing")),
        one("s2", "triage", words="x"),
        {"id": "s3"},
        one("s4", "count", items=ref("s3"), field=ref("s2.topic")),
        result=ref("s8"),
        limits={"max_jobs": 1000, "speed": 9},
    )
    text = "\n".join(faults)
    for part in (
        "limits.speed",
        "'sumarize'",
        "'nothing'",
        "'words'",
        "step 's3': type",
        "'topic'",
        "result: reference 's8'",
    ):
        assert part.strip("'") in text, (part, faults)


def test_a_reference_to_a_malformed_step_is_no_second_fault() -> None:
    faults = faults_of({"id": "s1", "kind": "triage"}, one("s2", "count", items=ref("s1"), field="intent"))
    assert all(fault.startswith("step 's1'") for fault in faults), faults


def test_items_of_the_goal_are_checked_to_the_letter_before_anything_runs() -> None:
    faults = faults_of(each("s1"), inputs={"messages": ["fine", "", "x" * 2001]})
    assert faults == [
        "step 's1' (triage): item 1: triage.input.text: 0 characters, minLength is 1",
        "step 's1' (triage): item 2: triage.input.text: 2001 characters, maxLength is 2000",
    ]


def test_a_thousand_faulty_items_are_a_few_sentences() -> None:
    faults = faults_of(each("s1"), inputs={"messages": [""] * 90})
    assert len(faults) == 6
    assert faults[-1].endswith("… and more like these")


def test_more_jobs_than_allowed_are_refused_before_the_first_runs() -> None:
    assert faults_of(each("s1"), inputs={"messages": ["a"] * 101}) == [
        "plan: at least 101 jobs, limits.max_jobs is 100"
    ]


def test_items_are_not_looked_at_where_there_are_more_than_allowed() -> None:
    assert faults_of(each("s1"), inputs={"messages": [""] * 101}) == ["plan: at least 101 jobs, limits.max_jobs is 100"]


def test_what_the_first_jobs_are_given_is_bounded_before_any_runs() -> None:
    rows = [{"text": "x" * 100}] * 1000
    many = one("s1", "count", items=[ref("inputs.rows")] * 40, field="text")
    (fault,) = faults_of(many, inputs={"rows": rows})
    assert fault.startswith("step 's1' (count): the input of job 0 would have 4")
    assert fault.endswith("the limit is 4000000")


def test_many_jobs_that_all_hold_the_whole_list_are_refused() -> None:
    rows = ["x" * 900] * 1000
    fan = {**each("s1", "count", over="inputs.few"), "args": {"items": ref("inputs.rows"), "field": ref("item")}}
    (fault,) = faults_of(fan, inputs={"rows": rows, "few": ["a"] * 90})
    assert "step 's1' (count): jobs 0 to 70 bring the release to 64" in fault


def test_a_plan_may_say_how_many_must_succeed_and_what_a_failure_means() -> None:
    steps = [{**each("s1"), "join": {"quorum": 2}, "on_failure": {"default": {"intent": "card_arrival"}}}]
    plan = compile_plan({"steps": steps}, CATALOG, INPUTS, LIMITS)
    assert plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)["steps"] == steps


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ({"join": "some"}, "join: must be 'all', 'any' or {\"quorum\": a number above 0}"),
        ({"join": {"quorum": 0}}, "join: must be 'all', 'any' or {\"quorum\": a number above 0}"),
        ({"join": ["all"]}, "join: must be 'all', 'any' or {\"quorum\": a number above 0}"),
        ({"on_failure": "retry"}, "on_failure: must be 'fail', 'skip', 'leave_out' or {\"default\": an output}"),
        (
            {"on_failure": {"default": "card"}},
            "on_failure: must be 'fail', 'skip', 'leave_out' or {\"default\": an output}",
        ),
    ],
)
def test_a_join_or_failure_rule_that_is_none_is_refused_in_one_sentence(words: Json, fault: str) -> None:
    assert faults_of({**each("s1"), **words}) == [f"step 's1': {fault}"]


def test_a_join_of_a_step_without_a_map_is_refused() -> None:
    (fault,) = faults_of({**one("s1", "triage", text="a"), "join": "any"})
    assert fault == "step 's1' (triage): join: the step has one job; only a mapped one has some to choose among"


@pytest.mark.parametrize(("join", "count"), [({"quorum": 3}, 2), ("any", 0)])
def test_a_quorum_of_more_jobs_than_there_are_is_refused(join: Any, count: int) -> None:
    (fault,) = faults_of({**each("s1"), "join": join}, inputs={"messages": ["a"] * count})
    assert fault.endswith(f"join: {3 if count else 1} of its jobs must succeed, and it has {count}")


def test_a_default_must_be_an_output_of_the_job_type() -> None:
    (fault,) = faults_of({**each("s1"), "on_failure": {"default": {"topic": "card"}}})[:1]
    assert fault.startswith("step 's1' (triage): on_failure.default")


def test_a_limit_above_the_deployments_is_refused() -> None:
    assert "limits.max_jobs: 1000 is more than this deployment's 100" in faults_of(
        each("s1"), limits={"max_jobs": 1000}
    )


@pytest.mark.parametrize("draft", [None, [], "steps", {"steps": None}, {"steps": {}}, 7])
def test_what_is_no_plan_at_all_is_refused(draft: Any) -> None:
    with pytest.raises(PlanRefused, match="a plan is an object"):
        compile_plan(draft, CATALOG, {}, LIMITS)


# Before its inputs are given

SCHEMAS: dict[str, Json] = {"messages": {"type": "array", "items": {"type": "string"}}, "intent": {"type": "string"}}


def kept(**condition: Any) -> Json:
    return one("s2", "filter", items=ref("s1"), field="intent", **condition)


def test_a_plan_compiles_against_the_schemas_of_its_inputs() -> None:
    plan = compile_open({"steps": [each("s1"), kept(equals=ref("inputs.intent"))]}, CATALOG, SCHEMAS, LIMITS)
    assert plan.result == ref("s2")


def test_before_its_inputs_are_given_all_that_schemas_tell_is_refused() -> None:
    steps = [
        each("s1", text="inputs.messages"),
        {**each("s2", over="inputs.intent"), "after": ["s9"]},
        one("s3", "triage", text=ref("inputs.note")),
        one("s4", "sumarize"),
    ]
    with pytest.raises(PlanRefused) as refused:
        compile_open({"steps": steps}, CATALOG, SCHEMAS, LIMITS)
    said = " | ".join(refused.value.faults)
    for fault in (
        "args.text: 'inputs.messages' must be string, is array",
        "map.over: 'inputs.intent' must be array, is string",
        "after: no step 's9'",
        "reference 'inputs.note': no 'note' there; known: messages, intent",
        "unknown job type",
    ):
        assert fault in said


@pytest.mark.parametrize("schema", [{}, {"anyOf": [{"type": "string"}, {"type": "null"}]}, {"enum": [1, "two"]}])
def test_a_schema_that_says_no_one_kind_fits_everywhere(schema: Json) -> None:
    assert compile_open({"steps": [one("s1", "triage", text=ref("inputs.a"))]}, CATALOG, {"a": schema}, LIMITS)


def test_a_value_that_an_input_gives_is_checked_as_if_the_plan_said_it() -> None:
    steps = [each("s1"), kept(equals=ref("inputs.intent"))]
    assert compiled(*steps, inputs={**INPUTS, "intent": "card arrival"})
    (fault,) = faults_of(*steps, inputs={**INPUTS, "intent": "card_arival"})
    assert "args.equals: 'card_arival' is no value of 'intent'; nearest: card_arrival, " in fault


# What passes through functions


def table_of(*columns: str, step_id: str = "s2") -> Json:
    return one(step_id, "table", columns=[ref(column) for column in columns])


SORTED = [each("s1"), table_of("inputs.messages", "s1")]


def test_what_is_behind_rows_and_items_is_typed() -> None:
    chosen = one("s3", "filter", items=ref("s2.rows"), field="intent", equals="lost or stolen card")
    again = each("s4", "entities", over="s3.items", text="item.value")
    compiled(*SORTED, chosen, again, one("s5", "count", items=ref("s4"), field="entities.type"))
    assert faults_of(*SORTED, chosen, each("s4", "entities", over="s3.items", text="item.text")) == [
        "step 's4' (entities): reference 'item.text': no 'text' there; known: value, intent"
    ]


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (
            one("s3", "filter", items=ref("s2.rows"), field="topic", equals="card"),
            "args.field: no 'topic' in the items; known: value, intent",
        ),
        (
            one("s3", "filter", items=ref("s2.rows"), field="intent", equals="lost my card"),
            "args.equals: 'lost my card' is no value of 'intent'; nearest: lost_or_stolen_card, ",
        ),
        (one("s3", "filter", items=ref("s2.rows"), field="intent"), "args: a filter needs exactly one of equals, "),
        (one("s3", "count", items=ref("s1"), field="entities.type"), "args.field: no 'entities.type' in the items; "),
        (
            one("s3", "sum", items=ref("s1"), field="intent"),
            "args.field: 'intent' is one of Refund_not_showing_up, activate_my_card, ",
        ),
        (one("s3", "sort", items=ref("inputs.messages"), field="date"), "args.field: no 'date' in the items; known: v"),
        (
            one("s3", "join", left=ref("s1"), right=ref("s2.rows"), on="value"),
            "args.on: no 'value' in the items of left",
        ),
        (one("s3", "template", template="{topic}", values=ref("s2.rows")), "args.template: no 'topic' in the values; "),
    ],
)
def test_a_function_that_is_asked_for_what_cannot_be_is_refused(step: Json, fault: str) -> None:
    (said,) = faults_of(*SORTED, step)
    assert said.startswith(f"step 's3' ({step['type']}): {fault}")


def test_arguments_of_the_wrong_form_are_said_once() -> None:
    (fault,) = faults_of(*SORTED, one("s3", "top", items=ref("s2.rows"), n=0))
    assert fault.startswith("step 's3' (top): args.n: ")


def test_a_function_over_each_group_is_typed_by_the_groups_items() -> None:
    groups = one("s3", "group", items=ref("s2.rows"), field="intent")
    over = {"map": {"over": ref("s3.groups"), "as": "group"}}
    fine = {**one("s4", "pick", items=ref("group.items"), field="value"), **over}
    compiled(*SORTED, groups, fine)
    assert faults_of(*SORTED, groups, {**fine, "args": {"items": ref("group.items"), "field": "text"}}) == [
        "step 's4' (pick): args.field: no 'text' in the items; known: value, intent"
    ]


def test_of_functions_in_a_cycle_only_the_cycle_is_said() -> None:
    steps = [one("s1", "sort", items=ref("s2.items"), field="x"), one("s2", "sort", items=ref("s1.items"), field="y")]
    assert faults_of(*steps) == ["plan: a cycle: s1 needs s2 needs s1"]


def test_a_long_chain_is_typed_once_a_step() -> None:
    chain = [one(f"s{n}", "sort", items=ref(f"s{n - 1}.items"), field="value") for n in range(2, 60)]
    first = one("s1", "sort", items=ref("inputs.messages"), field="value")
    compiled(first, *chain)
    compiled(*reversed(chain), first)


def test_a_records_field_that_no_record_has_is_a_fault_and_one_that_some_have_is_none() -> None:
    rows = [{"a": "x", "n": 1}, {"a": "y", "n": 2.5, "b": {"c": "z"}}]
    for field in ("a", "n", "b.c"):
        compiled(one("s1", "count", items=ref("inputs.rows"), field=field), inputs={"rows": rows})
    (fault,) = faults_of(one("s1", "count", items=ref("inputs.rows"), field="b.d"), inputs={"rows": rows})
    assert fault.endswith("args.field: no 'b.d' in the items; known: a, n, b.c")


def test_a_map_that_never_uses_its_item_is_refused() -> None:
    assert faults_of(each("s1", text="inputs.note")) == [
        "step 's1' (triage): map: goes over 'inputs.messages' and never uses its item, 'item'"
    ]


def test_an_input_that_a_plan_does_not_use_is_left_alone() -> None:
    compiled(one("s1", "triage", text=ref("inputs.note")))


def test_lists_of_one_length_are_joined_whatever_they_are_of() -> None:
    inputs = {"names": ["a", "b"], "notes": ["c", "d"]}
    compiled(table_of("inputs.names", "inputs.notes"), inputs=inputs)
    compiled(each("s1", over="inputs.notes"), table_of("inputs.names", "s1", "s1[].intent"), inputs=inputs)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["inputs.names", "inputs.notes"], "'inputs.names' has 3, 'inputs.notes' has 2"),
        (["inputs.names", "s1"], "'inputs.names' has 3, 's1' has 2"),
        (["s1[].intent", "inputs.names"], "'s1[].intent' has 2, 'inputs.names' has 3"),
        (["s3.rows", "inputs.names"], "'s3.rows' has 2, 'inputs.names' has 3"),
        (["s4.items", "s3.rows"], "'s4.items' has 3, 's3.rows' has 2"),
    ],
)
def test_lists_that_are_known_to_be_of_other_lengths_are_not_joined(columns: list[str], said: str) -> None:
    inputs = {"names": ["a", "b", "c"], "notes": ["d", "e"]}
    rows = one("s3", "table", columns=[ref("s1"), ref("inputs.notes")])
    in_order = one("s4", "sort", items=ref("inputs.names"), field="value")
    steps = [each("s1", over="inputs.notes"), rows, in_order, table_of(*columns)]
    assert faults_of(*steps, inputs=inputs) == [
        f"step 's2' (table): args.columns: a table needs lists of equal length; {said}"
    ]


def test_lists_whose_length_is_not_known_yet_are_left_to_the_job() -> None:
    chosen = one("s3", "filter", items=ref("s2.rows"), field="intent", equals="card_arrival")
    compiled(*SORTED, chosen, table_of("inputs.messages", "s3.items", step_id="s4"))


# References into lists


TICKETS = {"export": {"tickets": [{"title": "a", "tags": ["x"]}, {"title": "b", "tags": []}]}}


def test_a_field_of_each_element_is_a_list() -> None:
    columns = [ref("inputs.export.tickets[].title"), ref("s1[].intent"), ref("s1")]
    titles = each("s1", over="inputs.export.tickets[].title")
    plan = compiled(titles, one("s2", "table", columns=columns), inputs=TICKETS)
    assert plan.step("s2").needs() == {"s1"}
    tags = each("s1", over="inputs.export.tickets[].tags[]")
    compiled(tags, inputs=TICKETS)


def test_a_list_inside_an_input_is_gone_over() -> None:
    compiled(each("s1", over="inputs.export.tickets", text="item.title"), inputs=TICKETS)


def test_an_element_of_a_list_is_named_by_its_index() -> None:
    compiled(one("s1", "triage", text=ref("inputs.export.tickets.1.title")), inputs=TICKETS)
    compiled(each("s1"), one("s2", "triage", text=ref("s1.0.intent")))
    (fault,) = faults_of(one("s1", "triage", text=ref("inputs.export.tickets.2.title")), inputs=TICKETS)
    assert fault.endswith("reference 'inputs.export.tickets.2.title' has no value: no element 2 of 2")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("inputs.note[].x", "reference 'inputs.note[].x': '[]' is asked of what is string, no list"),
        ("s1[].topic", "reference 's1[].topic': no 'topic' there; known: intent"),
        ("s1[].intent", "args.text: 's1[].intent' must be string, is array"),
        ("s1.intent", "map over the list instead, or write s1[].intent"),
        ("s1[].intent[]", "'[]' is asked of what is "),
        ("[].x", "must be names with dots between"),
    ],
)
def test_a_reference_to_each_of_what_has_none_is_refused(path: str, fault: str) -> None:
    faults = faults_of(each("s1"), one("s2", "triage", text=ref(path)))
    assert any(fault in said for said in faults), faults


def test_an_input_may_be_named_as_people_name_things() -> None:
    inputs = {"Mails (March)": [{"the text": "a"}], "größe": 3}
    compiled(each("s1", over="inputs.Mails (March)", text="item.the text"), inputs=inputs)
    (fault,) = faults_of(each("s1", over="inputs.mails", text="item"), inputs=inputs)
    assert fault.endswith("no 'mails' there; known: Mails (March), größe")


@pytest.mark.parametrize("on_failure", ["leave_out", "skip", {"default": {"intent": "card_arrival"}}])
def test_one_bad_element_is_its_jobs_to_fail_where_the_step_goes_on(on_failure: Any) -> None:
    inputs = {"messages": ["my card is lost", "", "where is my refund?", 7]}
    assert compiled({**each("s1"), "on_failure": on_failure}, inputs=inputs).steps
    assert "item 1: triage.input.text: 0 characters, minLength is 1" in faults_of(each("s1"), inputs=inputs)[0]


def test_a_list_of_bad_elements_alone_is_refused_where_one_has_to_succeed() -> None:
    assert len(faults_of({**each("s1"), "on_failure": "leave_out"}, inputs={"messages": ["", ""]})) == 2


def test_a_field_whose_name_has_dots_is_reached_as_it_is_written() -> None:
    inputs = {"rows": [{"mail.body": "my card is lost"}, {"mail.body": "where is it?"}]}
    assert compiled(each("s1", over="inputs.rows", text="item.mail.body"), inputs=inputs).steps
    assert (
        "no 'mail' there; known: mail.body"
        in faults_of(each("s1", over="inputs.rows", text="item.mail.head"), inputs=inputs)[0]
    )


def test_a_step_may_ask_for_the_likeliest_values_of_a_label_that_is_read_off() -> None:
    plan = compiled({**each("s1"), "top": 3})
    assert plan.step("s1").top == 3
    assert plan.draft["steps"][0]["top"] == 3


def test_a_step_whose_answer_is_computed_or_written_has_no_likeliest_values() -> None:
    counted = one("s2", "count", items=ref("s1"), field="intent")
    assert faults_of(each("s1"), {**counted, "top": 3}) == [
        "step 's2' (count): top: job type 'count' reads no answer off a model, so it cannot tell how likely other "
        f"answers are; leave 'top' out, or ask one of {', '.join(each.name for each in CATALOG if each.labels)}"
    ]
    [fault] = faults_of({**one("s1", "call", request="x", functions=[]), "top": 3})[:1]
    assert "job type 'call' writes its answer" in fault


@pytest.mark.parametrize("top", [0, 21])
def test_a_step_that_asks_for_too_few_or_too_many_values_is_refused(top: int) -> None:
    [fault] = faults_of({**each("s1"), "top": top})
    assert fault.startswith("step 's1': top: Input should be")
