"""JSON Schemas as people write them: taken over into the dialect that engines use, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specialists.catalog import SHIPPED
from specialists.schema_dialect import Dialect, taken_over
from specialists.schemas import schema_faults, value_faults
from specialists.specialist import SpecialistError, load_specialist

Json = dict[str, Any]
A = {"type": "string", "maxLength": 3}
B = {"type": "integer"}


PAIR = {"type": "array", "prefixItems": [A, B]}
MAP = {"type": "object", "additionalProperties": A}


def closed(**properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def taken(schema: Json, bounds: bool = False, decoded: bool = True) -> Dialect:
    return taken_over(schema, "x", bounds, decoded)


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in SHIPPED.glob("*/specialist.toml")))
@pytest.mark.parametrize("side", ["input", "output"])
def test_a_schema_in_the_dialect_comes_out_as_it_went_in(folder: str, side: str) -> None:
    """Its digest is in every outcome."""
    written = json.loads((SHIPPED / folder / f"{side}.schema.json").read_text())
    came = taken(written, decoded=side == "output")
    assert json.dumps(came.schema) == json.dumps(written)
    assert (came.faults, came.notices) == ([], [])


@pytest.mark.parametrize(
    ("written", "dialect"),
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": A}}, A),
        ({"$defs": {"a": A}, **closed(x={"$ref": "#/$defs/a"}, y={"$ref": "#/$defs/a"})}, closed(x=A, y=A)),
        ({"definitions": {"a~b": A}, **closed(x={"$ref": "#/definitions/a~0b"})}, closed(x=A)),
        ({"$ref": "#/$defs/a", "maxLength": 2, "$defs": {"a": A}}, {"maxLength": 2, "type": "string"}),
        ({**A, "nullable": True}, {**A, "type": ["string", "null"]}),
        ({**A, "nullable": False, "$comment": "c", "x-go-name": "X", "readOnly": True}, A),
        ({"oneOf": [A, {"type": "null"}]}, {"anyOf": [A, {"type": "null"}]}),
        ({"oneOf": [closed(k={"const": 1}), closed(k={"const": 2})]},
         {"anyOf": [closed(k={"const": 1}), closed(k={"const": 2})]}),
        ({"allOf": [{"type": "object", "properties": {"a": A}, "required": ["a"]}, {"properties": {"b": B}}]},
         {"type": "object", "properties": {"a": A, "b": B}, "required": ["a"]}),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 3}),
        ({**A, "format": "color"}, A),
        ({**A, "format": "date"}, {**A, "format": "date"}),
        ({"type": "array", "items": [A, B], "additionalItems": False}, {**PAIR, "items": False}),
        ({"type": "array", "items": [A, B], "additionalItems": A}, {**PAIR, "items": A}),
        ({**MAP, "propertyNames": {"pattern": "^a"}},
         {"type": "object", "patternProperties": {"^a": A}, "additionalProperties": False}),
        ({**MAP, "propertyNames": {"$ref": "#/$defs/b%3A~1"}, "$defs": {"b:/": {"type": "string", "pattern": "^a"}}},
         {"type": "object", "patternProperties": {"^a": A}, "additionalProperties": False}),
        ({**MAP, "propertyNames": {"minLength": 1, "maxLength": 32}},
         {"type": "object", "patternProperties": {"^(?s:.{1,32})$": A}, "additionalProperties": False}),
        ({**MAP, "propertyNames": {"enum": ["a", "b"]}},
         {"type": "object", "properties": {"a": A, "b": A}, "additionalProperties": False}),
        ({"type": "object", "properties": {"ab": {"type": "string"}}, "patternProperties": {"^a": {"maxLength": 3}}},
         {"type": "object", "properties": {"ab": A}, "patternProperties": {"^a": {"maxLength": 3}}}),
        ({"type": "object", "patternProperties": {".*": A}}, MAP),
        ({"type": "object", "dependencies": {"a": ["b"]}}, {"type": "object", "dependentRequired": {"a": ["b"]}}),
        ({"allOf": [{"type": "object", "properties": {"a": A}}], "properties": {"b": B},
          "unevaluatedProperties": False},
         {"properties": {"b": B, "a": A}, "type": "object", "additionalProperties": False}),
        ({"type": ["string", "null"], "maxLength": 3, "not": {"type": "null"}}, A),
        ({"enum": ["a", "b", 1, True], "not": {"enum": ["b", True]}}, {"enum": ["a", 1]}),
        ({**closed(a=A, b=B), "required": ["a"], "not": {"required": ["b"]}}, closed(a=A)),
        ({"$id": "http://of.me/a.json", **closed(a={"$ref": "http://of.me/a.json#/$defs/a"}), "$defs": {"a": A}},
         closed(a=A)),
        ({**closed(a={"$ref": "#there"}), "definitions": {"b": {"$id": "#there", **A}}}, closed(a=A)),
        ({**closed(a={"$ref": "#/x/0"}), "x": [A]}, {**closed(a=A), "x": [A]}),
        ({"allOf": [True, A]}, A),
        ({**A, "allowComments": True}, A),
        ({"allOf": [{**A, "markdownDescription": "a"}], "markdownDescription": "b"}, A),
        ({"type": "object", "patternProperties": {"^.*$": A}}, {"type": "object", "patternProperties": {"^.*$": A}}),
        ({"allOf": [MAP, {"patternProperties": {"^b": {"pattern": "c"}}}]},
         {**MAP, "patternProperties": {"^b": {**A, "pattern": "c"}}}),
        ({"allOf": [{"anyOf": [A, B]}, {"anyOf": [{"maxLength": 2}, {"const": 1}]}]},
         {"anyOf": [{**A, "maxLength": 2}, {**A, "const": 1}, {**B, "maxLength": 2}, {**B, "const": 1}]}),
        ({"oneOf": [{**A, "pattern": r"^b\[; ?(a|b)"}, {**A, "pattern": "^b; ?"}, {"enum": ["b"]}]},
         {"anyOf": [{**A, "pattern": r"^b\[; ?(a|b)"}, {**A, "pattern": "^b; ?"}, {"enum": ["b"]}]}),
        ({**closed(a=A, b=B, c=B), "required": ["a"], "not": {"anyOf": [{"required": ["b"]}, {"required": ["c"]}]}},
         closed(a=A)),
        ({"oneOf": [{**A, "pattern": "^a"}, {"enum": ["b", "c"]}]},
         {"anyOf": [{**A, "pattern": "^a"}, {"enum": ["b", "c"]}]}),
        ({"oneOf": [{"oneOf": [A, B]}, {"type": "null"}]}, {"anyOf": [{"anyOf": [A, B]}, {"type": "null"}]}),
    ],
)  # fmt: skip
def test_what_people_write_is_taken_over(written: Json, dialect: Json) -> None:
    came = taken(written)
    assert came.faults == []
    assert came.schema == dialect


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (closed(x={"$ref": "#"}), "x.x.x: '$ref': '#' refers to itself"),
        ({"$ref": "other.json#/a"}, "x: '$ref': 'other.json#/a' is in another file"),
        ({"$ref": "#/$defs/a"}, "x: '$ref': '#/$defs/a' is not in this file"),
        ({"allOf": [closed(a=A), {"properties": {"b": B}}]}, "x: 'allOf' or '$ref': one schema is closed"),
        ({"allOf": [{"pattern": "a"}, {"pattern": "b"}]}, "x: 'allOf' or '$ref': two of its schemas say different 'pa"),
        ({"allOf": [{"enum": [1]}, {"enum": [True]}]}, "x: 'allOf' or '$ref': two of its schemas say different 'enum'"),
        ({"$ref": "#/x", "x": {"type": 3}}, "x: '$ref': '#/x' is not a JSON Schema: 3 is not valid"),
        (
            {"allOf": [{"type": "object", "properties": {"a": A}, "unevaluatedProperties": False}, closed(b=B)]},
            "x: 'allOf' or '$ref': one schema is closed",
        ),
        (
            {"allOf": [{**MAP, "properties": {"a": A}}, {"patternProperties": {"^b": B}}]},
            "x: 'allOf' or '$ref': two of its schemas say different 'patternProperties'",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_refused_with_its_place(written: Json, fault: str) -> None:
    (found,) = taken(written).faults
    assert found.startswith(fault)


def test_references_that_stand_for_more_than_a_machine_holds_are_refused() -> None:
    many = {f"d{n}": closed(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"}) for n in range(30)}
    (fault,) = taken({"$ref": "#/$defs/d0", "$defs": {**many, "d30": A}}).faults
    assert "its references, written out, are more than" in fault


@pytest.mark.parametrize(
    "members",
    [
        [{**A, "pattern": "^ab?"}, {**A, "pattern": "^ac"}],
        [{**A, "pattern": "^b|^c"}, {**A, "pattern": "^c"}],
        [A, {**A, "pattern": "a"}],
        [{"type": "integer"}, {"type": "number"}],
        [{}],
    ],
)
def test_a_one_of_that_may_hold_twice_is_refused_where_a_model_writes_it(members: list[Json]) -> None:
    schema = closed(a={"oneOf": members})
    came = taken(schema)
    assert came.schema == schema
    assert schema_faults(came.schema, "x")[0].startswith("x.a: keyword 'oneOf' is not supported where two members")
    assert schema_faults(taken(schema, decoded=False).schema, "x", decoded=False) == []


@pytest.mark.parametrize("keyword", ["not", "if", "contains", "propertyNames", "maxlength", "dependentSchemas"])
def test_a_keyword_that_nothing_holds_is_refused_by_name(keyword: str) -> None:
    schema = closed(a={**A, keyword: {}})
    (fault,) = schema_faults(taken(schema, bounds=True).schema, "x")
    assert fault.startswith(f"x.a: keyword {keyword!r} is not supported")


def test_bounds_that_are_missing_are_added_and_told_where_the_folder_asks_for_it() -> None:
    schema = {"properties": {"a": {"type": ["string", "null"]}, "b": {"type": "array", "items": B}, "c": {}}}
    assert len(schema_faults({**schema, "type": "object"}, "x")) == 3
    came = taken(schema, bounds=True)
    assert schema_faults(came.schema, "x") == []
    assert came.schema["properties"]["a"] == {"type": ["string", "null"], "maxLength": 200}
    assert came.schema["properties"]["b"]["maxItems"] == 16
    assert came.schema["additionalProperties"] is False
    assert [notice.partition(":")[0] for notice in came.notices] == ["x.a", "x.b.items", "x.b", "x.c", "x"]
    assert taken({"type": "object", "properties": {"a": {"type": "string"}}}, bounds=True, decoded=False).schema[
        "properties"
    ] == {"a": {"type": "string", "maxLength": 100_000}}


TREE = {"type": "object", "properties": {"name": {"enum": ["a"]}, "of": {"type": "array", "items": {"$ref": "#"}}}}


def test_what_refers_to_itself_is_written_out_to_a_depth_where_the_folder_asks_for_bounds() -> None:
    came = taken(TREE, bounds=True)
    assert schema_faults(came.schema, "x") == []
    value: Json = {"name": "a"}
    for _ in range(3):
        assert value_faults(value, came.schema, "x") == []
        value = {"of": [value]}
    assert value_faults(value, came.schema, "x")
    assert value_faults({"of": []}, came.schema, "x") == []
    assert any("left out: '$ref': '#' refers to itself" in notice for notice in came.notices)


def test_what_refers_to_itself_and_cannot_be_left_out_is_refused() -> None:
    came = taken({**TREE, "required": ["of"], "properties": {"of": {"$ref": "#"}}}, bounds=True)
    assert came.faults == [
        "x.of.of.of: '$ref': '#' refers to itself, so that no value is bounded; write its levels out"
    ]


@pytest.mark.parametrize(
    ("written", "dialect"),
    [
        ({"anyOf": [A, {"allOf": [{"type": "string"}, B]}]}, {"anyOf": [A]}),
        ({"type": "object", "properties": {"a": False, "b": {"enum": [1]}}},
         {"type": "object", "properties": {"b": {"enum": [1]}}, "additionalProperties": False}),
        ({"type": ["array", "null"], "items": False, "minItems": 1}, {"type": "null", "items": False, "minItems": 1}),
        ({"type": "object", "properties": {"a": {"enum": [1]}}, "patternProperties": {"^x-": {"enum": [1]}}},
         {"type": "object", "properties": {"a": {"enum": [1]}}, "patternProperties": {},
          "additionalProperties": False}),
        ({"type": "object", "required": ["a"], "additionalProperties": {"enum": [1]}, "maxProperties": 2},
         {"type": "object", "required": ["a"], "properties": {"a": {"enum": [1]}},
          "additionalProperties": {"enum": [1]}, "maxProperties": 2}),
        ({"type": "object", "required": ["a"], "properties": {"a": {"enum": [1]}, "b": {"enum": [2]}}},
         {"type": "object", "required": ["a"], "properties": {"a": {"enum": [1]}, "b": {"enum": [2]}},
          "additionalProperties": False}),
        ({"type": "array", "items": False}, {"type": "array", "items": {"type": "null"}, "maxItems": 0}),
        ({"type": "array", "prefixItems": [{"enum": [1]}, False]},
         {"type": "array", "prefixItems": [{"enum": [1]}], "items": False, "maxItems": 1}),
        ({"type": "array", "prefixItems": [{"enum": [1]}]},
         {"type": "array", "prefixItems": [{"enum": [1]}], "items": False, "maxItems": 1}),
    ],
)  # fmt: skip
def test_what_no_value_keeps_is_left_out_where_the_folder_asks_for_bounds(written: Json, dialect: Json) -> None:
    came = taken(written, bounds=True)
    assert came.faults == []
    assert came.schema == dialect


@pytest.mark.parametrize(
    ("members", "neither"),
    [
        ([{"properties": {"a": {"enum": [1]}}, "additionalProperties": False},
          {"properties": {"b": {"enum": [1]}}, "additionalProperties": False}], [{}, {"a": 1, "b": 1}]),
        ([{"properties": {"a": {"enum": [1]}, "b": {"enum": [1]}}, "required": ["a"]},
          {"properties": {"a": {"enum": [1]}, "b": {"enum": [1]}}, "required": ["b"]}], [{}, {"a": 1, "b": 1}]),
        ([{"properties": {"a": {"enum": [1]}, "b": {"enum": [1]}}},
          {"properties": {"a": {"enum": [2]}, "b": {"enum": [1]}}}], [{}, {"b": 1}]),
    ],
)  # fmt: skip
def test_a_one_of_of_objects_leaves_out_what_two_members_allow(members: list[Json], neither: list[Json]) -> None:
    came = taken({"type": "object", "oneOf": members}, bounds=True)
    assert schema_faults(came.schema, "x") == []
    assert value_faults({"a": 1}, came.schema, "x") == []
    for value in neither:
        assert value_faults(value, came.schema, "x")
    assert any("'oneOf' is held by leaving out" in notice for notice in came.notices)


def test_a_keyword_that_no_draft_knows_is_left_out_and_told_where_the_folder_asks_for_bounds() -> None:
    strange = {"elevation": 3, "_format": "a", "$xsd-type": "b", "self": {}, "version": 1}
    came = taken({**closed(a=A), **strange}, bounds=True)
    assert (came.schema, came.faults) == (closed(a=A), [])
    assert came.notices == [
        "x: left out: 'elevation', '_format', '$xsd-type', 'self', 'version': no JSON Schema knows it"
    ]
    assert len(schema_faults(taken({**closed(a=A), **strange}).schema, "x")) == 5
    assert taken({"allOf": [{**closed(a=A), "_id": 1}], "_id": 2}, bounds=True).faults == []
    known = {"nullable": True, "x-a": 1, "readOnly": True, "$comment": "c", **A}
    assert taken(known, bounds=True) == Dialect({"type": ["string", "null"], "maxLength": 3}, [], [])
    pair = {"type": "array", "items": [A], "additionalItems": False, "maxItems": 1}
    assert taken(pair, bounds=True) == Dialect({"type": "array", "prefixItems": [A], "items": False, "maxItems": 1})


@pytest.mark.parametrize("typo", ["required:", "additonalProperties", "maxlength", "min_items", "item"])
def test_a_keyword_that_is_written_wrong_is_refused(typo: str) -> None:
    (fault,) = schema_faults(taken({**closed(a=A), typo: {}}, bounds=True).schema, "x")
    assert fault.startswith(f"x: keyword {typo!r} is not supported")


def test_at_the_top_only_objects_are_asked_for_where_the_folder_asks_for_bounds() -> None:
    for written in ({"type": ["object", "null"], "properties": {"a": A}}, {"anyOf": [{"properties": {"a": A}}, A]}):
        came = taken(written, bounds=True)
        assert schema_faults(came.schema, "x") == []
        assert value_faults({"a": "b"}, came.schema, "x") == []
        assert value_faults(None, came.schema, "x")
    lacks = {"type": "object", "properties": {"a": {"enum": [1]}}, "not": {"required": ["b"]}}
    assert taken(lacks, bounds=True).schema == {
        "type": "object", "properties": {"a": {"enum": [1]}}, "additionalProperties": False
    }  # fmt: skip


def test_names_and_patterns_of_properties_are_checked_in_linear_time() -> None:
    schema = {"type": "object", "properties": {"b": A}, "patternProperties": {"^(a+)+$": B}, "additionalProperties": A}
    assert value_faults({"a" * 50 + "!": "s", "aa": 1, "b": "s"}, schema, "x") == []
    assert value_faults({"a": "s", "c": 1}, schema, "x") == [
        "x.a: must be integer, is string", "x.c: must be string, is integer"
    ]  # fmt: skip
    assert value_faults({"c": 1}, {**schema, "additionalProperties": False}, "x") == [
        "x: unknown 'c'; known: b, what matches '^(a+)+$'"
    ]


def test_a_fault_of_a_missing_bound_names_the_key_that_adds_it() -> None:
    for fault in schema_faults({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}, "x"):
        assert fault.endswith('or say bounds = "default" in specialist.toml')


def folder_of(tmp_path: Path, bounds: str) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir(exist_ok=True)
    (folder / "specialist.toml").write_text(
        f'name = "mine"\nversion = "1.0.0"\ndescription = "d"\nengine = "function"\nfunction = "f.py:f"\n{bounds}'
    )
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}
    for side in ("input", "output"):
        (folder / f"{side}.schema.json").write_text(json.dumps(schema))
    (folder / "f.py").write_text("def f(input):\n    return input\n")
    return folder


def test_a_folder_shows_its_schemas_as_they_are_written_and_is_held_to_what_came_of_them(tmp_path: Path) -> None:
    with pytest.raises(SpecialistError, match="bounds = "):
        load_specialist(folder_of(tmp_path, ""))
    mine = load_specialist(folder_of(tmp_path, 'bounds = "default"\n'))
    assert mine.written[0] == json.loads((mine.folder / "input.schema.json").read_text())
    assert mine.input_schema["properties"]["a"] == {"type": "string", "maxLength": 100_000}
    assert mine.input_faults({"b": 1}) == ["mine.input: unknown 'b'; known: a"]
    assert len(mine.notices) == 4
    assert mine.notice
    assert mine.notice.startswith("schemas of 'mine': mine.input.a: by default maxLength 100000; ")


DEPENDS: Json = {
    "type": "object",
    "properties": {"card": {"type": "boolean"}, "bank": {"type": "boolean"}, "code": {"type": "boolean"}},
    "required": ["code"],
    "dependentRequired": {"card": ["bank"], "bank": ["code"]},
    "additionalProperties": False,
}


def test_properties_that_ask_for_others_become_a_member_for_each_set_that_is_possible() -> None:
    found = taken_over(DEPENDS, "o", bounds=False, decoded=True).schema
    assert schema_faults(found, "o") == []
    assert [(list(each["properties"]), each["required"]) for each in found["anyOf"]] == [
        (["code"], ["code"]),
        (["bank", "code"], ["bank", "code"]),
        (["card", "bank", "code"], ["bank", "card", "code"]),
    ]
    assert taken_over(DEPENDS, "o", bounds=False, decoded=False).schema == DEPENDS


@pytest.mark.parametrize(
    "more",
    [
        {"additionalProperties": {"type": "boolean"}},
        {"patternProperties": {"^x": {"type": "boolean"}}},
        {"dependentRequired": {each: ["code"] for each in "abcde"}},
    ],
)
def test_what_no_grammar_holds_of_them_is_refused(more: Json) -> None:
    found = taken_over({**DEPENDS, **more}, "o", bounds=False, decoded=True).schema
    assert schema_faults(found, "o")[0].startswith("o: 'dependentRequired' is held in an object that is closed")
