"""Which outputs a head can read, and what is said of those that it cannot."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from specialists.copies import Copy, Mask
from specialists.head_rule import FieldRule, HeadRule, field_rules, head_faults
from specialists.manifest import Manifest

MASK = {"type": "string", "maxLength": 20, "x-mask-of": "text"}
SPAN = {"type": "string", "maxLength": 20, "x-span-of": "text"}
INPUT = {"properties": {"text": {"type": "string"}, "count": {"type": "integer"}}}
PAIR = {"properties": {"kind": {"enum": ["a", "b"]}, "words": SPAN}}


def output(**properties: Any) -> dict[str, Any]:
    return {"properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        ({"enum": ["a", "b"]}, FieldRule("it", "label", ("a", "b"))),
        ({"type": "array", "items": {"enum": ["a"]}, "maxItems": 2}, FieldRule("it", "labels", ("a",), most=2)),
        ({"type": "number", "minimum": -1, "maximum": 1}, FieldRule("it", "score", bounds=(-1.0, 1.0))),
        (
            {"type": "integer", "minimum": 0, "maximum": 9},
            FieldRule("it", "score", bounds=(0.0, 9.0), whole=True),
        ),
        (
            {"type": "string", "minLength": 1, "x-words-of": "text"},
            FieldRule("it", "tags", ("it",), copy=Copy("text", True), lengths=(1, None)),
        ),
        (MASK, FieldRule("it", "tags", shape="mask", mask=Mask("text", "<*>"))),
        (MASK | {"x-mask-with": "_"}, FieldRule("it", "tags", shape="mask", mask=Mask("text", "_"))),
        (SPAN, FieldRule("it", "tags", ("it",), copy=Copy("text", False), lengths=(0, 20))),
        (
            {"type": "array", "items": SPAN},
            FieldRule("it", "tags", ("it",), "list", copy=Copy("text", False), lengths=(0, 20)),
        ),
        (
            {"type": "array", "items": PAIR, "maxItems": 3},
            FieldRule("it", "tags", ("a", "b"), "typed", ("kind", "words"), Copy("text", False), (0, 20), most=3),
        ),
    ],
)
def test_a_field_is_read_in_the_way_that_fits_its_schema(schema: dict[str, Any], rule: FieldRule) -> None:
    assert field_rules(output(it=schema)) == [rule]


def test_a_field_that_may_be_left_out_is_known_as_such() -> None:
    [rule] = field_rules({"properties": {"it": SPAN}})

    assert rule.optional


@pytest.mark.parametrize(
    ("kind", "properties", "fault"),
    [
        ("label", {"note": {"type": "string", "maxLength": 9}}, r"cannot read note of the output"),
        ("label", {"it": SPAN}, r"kind = 'label' does not fit the output: it needs tags"),
        ("tags", {"it": {"enum": ["a"]}}, r"kind = 'tags' does not fit the output: it needs label"),
        ("tags", {"it": SPAN, "n": {"type": "integer", "minimum": 0, "maximum": 9}}, r"n needs score"),
        (
            "tags",
            {"it": SPAN | {"x-span-of": "count"}},
            r"of 'count', no string of the input; it has: text",
        ),
        ("tags", {"it": MASK | {"x-mask-of": "count"}}, r"of 'count', no string of the input"),
        ("label", {"it": MASK}, r"kind = 'label' does not fit the output: it needs tags"),
        ("tags", {"it": SPAN, "b": SPAN | {"x-span-of": "body"}}, r"spans of one input field.*body, text"),
    ],
)
def test_an_output_that_the_head_cannot_read_is_refused_by_its_field(
    kind: Any, properties: dict[str, Any], fault: str
) -> None:
    [found] = head_faults(HeadRule(kind=kind), INPUT, output(**properties))

    assert re.search(fault, found)


def test_labels_may_stand_beside_spans() -> None:
    assert head_faults(HeadRule(kind="tags"), INPUT, output(it=SPAN, mood={"enum": ["a"]})) == []


def test_spans_may_stand_beside_a_mask_of_the_same_text() -> None:
    assert head_faults(HeadRule(kind="tags"), INPUT, output(it=SPAN, form=MASK)) == []


def test_a_head_that_abstains_needs_a_label_that_says_so() -> None:
    rule = HeadRule(kind="label", abstain_below=0.5)

    [fault] = head_faults(rule, INPUT, output(it={"enum": ["a", "b"]}))

    assert fault.startswith("[head] abstain_as = 'unknown' is no value of 'it': add it to the enum")
    assert head_faults(rule, INPUT, output(it={"enum": ["a", "unknown"]})) == []
    assert (
        "of one label"
        in head_faults(rule, INPUT, output(it={"enum": ["a", "unknown"]}, other={"enum": ["a", "unknown"]}))[0]
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"decoding": {"format": "json"}}, "leave out"),
        ({"engine": "vllm"}, "not by 'vllm'"),
        ({"base": None}, "needs the table"),
    ],
)
def test_a_manifest_has_a_head_or_decoding_and_the_engine_that_reads_it(change: dict[str, Any], fault: str) -> None:
    said: dict[str, Any] = {
        "name": "mood", "version": "1.0.0", "description": "Tells.", "engine": "transformers",
        "base": {"name": "all-minilm-l6-v2"}, "head": {"kind": "label"},
    }  # fmt: skip
    assert Manifest.model_validate(said).hosts_model

    with pytest.raises(ValidationError, match=fault):
        Manifest.model_validate(said | change)
