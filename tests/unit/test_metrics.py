"""Scores on answers small enough to count by hand."""

from __future__ import annotations

from typing import Any

import pytest

from specialists.examples import Example
from specialists.metrics import counts, intervals, right, score


def scored(expected: list[dict[str, Any]], outputs: list[Any], inputs: list[dict[str, Any]] | None = None) -> Any:
    given = inputs or [{} for _ in expected]
    return score([Example(input, output) for input, output in zip(given, expected, strict=True)], outputs)


def test_a_label_is_right_or_wrong() -> None:
    found = scored([{"intent": "a"}, {"intent": "b"}], [{"intent": "a"}, {"intent": "a"}])

    assert found["accuracy"] == 50


def test_an_answer_that_did_not_parse_is_wrong_and_not_missing() -> None:
    found = scored([{"intent": "a"}, {"intent": "b"}], [{"intent": "a"}, None])

    assert found["accuracy"] == 50


def test_what_is_out_of_scope_is_measured_apart() -> None:
    expected = [{"intent": label} for label in ("a", "b", "out_of_scope", "out_of_scope", "out_of_scope")]
    outputs = [{"intent": label} for label in ("a", "out_of_scope", "out_of_scope", "a", "b")]

    found = scored(expected, outputs)

    assert (found["in_scope_accuracy"], found["oos_recall"]) == (50, 33.33)


def test_out_of_scope_is_not_measured_where_nothing_is() -> None:
    assert set(scored([{"intent": "a"}], [{"intent": "a"}])) == {"accuracy", "macro_f1"}


def test_macro_f1_is_the_mean_over_labels_and_then_over_repositories() -> None:
    expected = [{"kind": "bug"}, {"kind": "feature"}, {"kind": "bug"}]
    outputs = [{"kind": "bug"}, {"kind": "bug"}, {"kind": "bug"}]
    inputs = [{"repository": "x"}, {"repository": "x"}, {"repository": "y"}]

    # x: bug has 2 * 1 / (2 + 1) = 2/3 and feature 0, so 1/3; y: 1
    assert scored(expected, outputs, inputs)["macro_f1"] == pytest.approx(100 * (1 / 3 + 1) / 2, abs=0.01)


def command(intent: str, *slots: tuple[str, str]) -> dict[str, Any]:
    return {"intent": intent, "slots": [{"name": name, "value": value} for name, value in slots]}


def test_slots_are_counted_over_all_examples_together() -> None:
    expected = [command("play", ("artist", "Abba"), ("year", "1976")), command("play", ("artist", "Blur"))]
    outputs = [command("play", ("artist", "Abba"), ("year", "1977")), None]

    # 1 hit, 2 answered, 3 expected
    assert scored(expected, outputs) == {"intent_accuracy": 50, "slot_f1": 40, "exact": 0}


def entities(*spans: tuple[str, str]) -> dict[str, Any]:
    return {"entities": [{"type": type, "text": text} for type, text in spans]}


def test_a_span_said_twice_is_two_spans() -> None:
    found = scored([entities(("person", "Ann"), ("person", "Ann"))], [entities(("person", "Ann"))])

    assert found["span_f1"] == 66.67


def test_nothing_to_find_and_nothing_found_is_right() -> None:
    assert scored([entities()], [entities()]) == {"span_f1": 100, "exact": 100}


def test_fields_are_compared_one_by_one() -> None:
    found = scored([{"date": "1", "total": "2"}], [{"date": "1", "total": "3"}])

    assert found == {"field_exact": 50, "exact": 0}


def test_a_log_template_is_right_as_a_whole() -> None:
    assert scored([{"template": "a <*>"}], [{"template": "a <*>"}]) == {"parsing_accuracy": 100}


def test_a_call_is_measured_by_name_by_arguments_and_as_a_whole() -> None:
    expected = [{"name": "buy", "arguments": {"what": "tea", "count": "2"}}]
    outputs = [{"name": "buy", "arguments": {"what": "tea", "count": "3"}}]

    assert scored(expected, outputs) == {"accuracy": 100, "argument_f1": 50, "exact": 0}


def step(id: str, type: str, after: list[str] | None = None, over: str | None = None, **args: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"id": id, "type": type, "args": args}
    if after:
        found["after"] = after
    if over:
        found["map"] = {"over": {"$ref": over}, "as": "item"}
    return found


def plan(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"steps": list(steps)}


def ref(to: str) -> dict[str, str]:
    return {"$ref": to}


SORT_AND_COUNT = plan(
    step("s1", "triage", over="inputs.messages", text=ref("item")),
    step("s2", "count", items=ref("s1"), field="intent"),
)
ALL_RIGHT = {"node_f1": 100, "edge_f1": 100, "parameter_f1": 100, "exact": 100}


def test_the_same_plan_under_other_ids_in_another_order_is_exact() -> None:
    renamed = plan(
        step("b", "count", field="intent", items=ref("a")),
        step("a", "triage", over="inputs.messages", text=ref("item")),
    )

    assert scored([SORT_AND_COUNT], [renamed]) == ALL_RIGHT


def test_what_a_step_calls_its_item_does_not_matter() -> None:
    other = plan(
        {"id": "s1", "type": "triage", "map": {"over": ref("inputs.messages"), "as": "m"}, "args": {"text": ref("m")}},
        step("s2", "count", items=ref("s1"), field="intent"),
    )

    assert scored([SORT_AND_COUNT], [other]) == ALL_RIGHT


def test_a_wrong_job_type_costs_its_node_its_edge_and_its_parameters() -> None:
    wrong = plan(
        step("s1", "triage", over="inputs.messages", text=ref("item")),
        step("s2", "filter", items=ref("s1"), field="intent"),
    )

    assert scored([SORT_AND_COUNT], [wrong]) == {"node_f1": 50, "edge_f1": 0, "parameter_f1": 33.33, "exact": 0}


def test_a_wrong_reference_is_a_wrong_edge_and_a_wrong_parameter() -> None:
    wrong = plan(
        step("s1", "triage", over="inputs.messages", text=ref("item")),
        step("s2", "count", items=ref("inputs.messages"), field="intent"),
    )

    # no edge of the one expected; two of three parameters
    assert scored([SORT_AND_COUNT], [wrong]) == {"node_f1": 100, "edge_f1": 0, "parameter_f1": 66.67, "exact": 0}


def test_an_order_without_references_is_an_edge() -> None:
    expected = plan(step("s1", "book"), step("s2", "pay", after=["s1"], sum=3))
    outputs = plan(step("s1", "book"), step("s2", "pay", sum=3))

    found = scored([expected], [outputs])

    assert (found["edge_f1"], found["exact"]) == (0, 0)


def test_what_a_mapped_step_goes_over_is_an_edge() -> None:
    expected = plan(step("s1", "fetch", url="u"), step("s2", "triage", over="s1.messages", text=ref("item")))

    assert scored([expected], [expected])["edge_f1"] == 100
    assert scored([expected], [plan(step("s1", "fetch", url="u"), step("s2", "triage", text="x"))])["edge_f1"] == 0


def test_a_plan_that_did_not_parse_counts_as_one_with_nothing_in_it() -> None:
    # of 4 nodes expected 2 were found, and 2 answered
    assert scored([SORT_AND_COUNT, SORT_AND_COUNT], [SORT_AND_COUNT, None])["node_f1"] == 66.67


def test_a_plan_written_without_arguments_is_scored_by_nodes_and_edges_alone() -> None:
    bare = plan(step("s1", "book"), step("s2", "pay", after=["s1"]))
    answered = plan(step("s1", "book", day="Monday"), step("s2", "pay", after=["s1"]))

    assert scored([bare, SORT_AND_COUNT], [answered, SORT_AND_COUNT]) == ALL_RIGHT


def test_a_cyclic_plan_is_compared_like_any_other() -> None:
    cyclic = plan(step("s1", "a", x=ref("s2")), step("s2", "b", x=ref("s1")))

    assert scored([SORT_AND_COUNT], [cyclic])["exact"] == 0


def test_what_is_of_no_example_is_not_measured() -> None:
    bare = plan(step("s1", "book"))
    examples = [Example({}, bare)]

    assert set(scored([bare], [bare])) == set(intervals(examples, [bare])) == {"node_f1", "edge_f1"}
    assert counts([*examples, Example({}, SORT_AND_COUNT)]) == {
        "node_f1": 2, "edge_f1": 2, "parameter_f1": 1, "exact": 1,
    }  # fmt: skip


def test_a_plan_is_right_whatever_its_steps_are_called_and_without_arguments_by_nodes_and_edges() -> None:
    bare = plan(step("s1", "book"), step("s2", "pay", after=["s1"]))
    renamed = plan(step("a", "book"), step("b", "pay", after=["a"]))

    assert right(Example({}, bare), renamed)
    assert right(Example({}, bare), plan(step("s1", "book", day="Monday"), step("s2", "pay", after=["s1"])))
    assert not right(Example({}, bare), plan(step("s1", "book"), step("s2", "pay")))
    assert not right(Example({}, SORT_AND_COUNT), bare)
    assert not right(Example({}, bare), None)
    assert not right(Example({}, {"intent": "a"}), {"intent": "b"})
