"""Any JSON Schema as a folder's input or output gives a specialist, or faults in sentences; never another exception."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specialists.specialist import Specialist, SpecialistError, load_specialist

MANIFEST = """
name = "any"
version = "1.0.0"
description = "Any schema."
engine = "transformers"
{bounds}
[base]
name = "smollm2-135m"
[decoding]
format = "{format}"
max_tokens = 4096
"""
CLOSED = {"type": "object", "properties": {"text": {"type": "string", "maxLength": 9}}, "additionalProperties": False}
KINDS = ["object", "array", "string", "integer", "number", "boolean", "null"]
NAMES = st.sampled_from(["a", "b", "text", "type", "enum", ""])
COUNTS = st.integers(0, 5) | st.sampled_from([-1, 1.0, 300, 10**6, True, "3"])
NUMBERS = st.integers(-9, 9) | st.sampled_from([0.5, -1e300, 10**20, True, None])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
REFS = st.sampled_from(["#", "#/$defs/a", "#/definitions/b", "#/properties/a", "other.json", "#a", 3])
PATTERNS = st.sampled_from(
    ["^a+$", "(?=a)", r"(a)\1", r"\bx", "(", "[a-z]{1,9}", r"^\d+$", "", r"\p{L}", "[", "a{9999}"]
)
FORMATS = st.sampled_from(["date", "uuid", "email", "nothing", "regex"])


def keywords(inner: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    lists, maps = st.lists(inner, min_size=1, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
    return {
        "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True),
        "properties": maps, "$defs": maps, "definitions": maps, "patternProperties": maps,
        "items": inner | lists, "additionalProperties": st.booleans() | inner, "anyOf": lists, "oneOf": lists,
        "allOf": lists, "not": inner, "$ref": REFS, "pattern": PATTERNS, "format": FORMATS,
        "required": st.lists(NAMES, max_size=2, unique=True), "enum": st.lists(ANYTHING, max_size=3), "const": ANYTHING,
        "maxLength": COUNTS, "minLength": COUNTS, "maxItems": COUNTS, "minItems": COUNTS, "maxProperties": COUNTS,
        "minProperties": COUNTS, "minimum": NUMBERS, "maximum": NUMBERS, "exclusiveMinimum": NUMBERS,
        "exclusiveMaximum": NUMBERS, "multipleOf": NUMBERS, "uniqueItems": st.booleans(), "nullable": st.booleans(),
        "x-span-of": NAMES, "x-mask-of": NAMES, "x-mask-with": NAMES,
        "default": ANYTHING, "title": ANYTHING, "unknown": ANYTHING, "$schema": ANYTHING,
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2)), "prefixItems": lists,
    }  # fmt: skip


def one_of_keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    known = keywords(inner)
    names = st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: known[name] for name in chosen}))


SCHEMAS = st.recursive(
    st.booleans() | st.sampled_from([{"type": kind} for kind in KINDS]) | ANYTHING, one_of_keywords, max_leaves=8
)
OBJECTS = st.dictionaries(NAMES, SCHEMAS, min_size=1, max_size=3).flatmap(
    lambda properties: one_of_keywords(SCHEMAS).map(lambda rest: {**rest, "type": "object", "properties": properties})
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folders") / "any"
    folder.mkdir()
    (folder / "prompt.txt").write_text("Go.")
    return folder


def loads(folder: Path, side: str, schema: Any, bounds: bool, format: str) -> Specialist | None:
    said = 'bounds = "default"' if bounds else ""
    (folder / "specialist.toml").write_text(MANIFEST.format(bounds=said, format=format))
    for each in ("input", "output"):
        (folder / f"{each}.schema.json").write_text(json.dumps(schema if each == side else CLOSED))
    faults: list[str] = []
    try:
        return load_specialist(folder)
    except SpecialistError as error:
        faults = error.faults
    assert faults
    assert all(len(fault.split()) >= 3 for fault in faults)
    return None


@settings(suppress_health_check=list(HealthCheck))
@given(
    side=st.sampled_from(["input", "output"]), schema=SCHEMAS | OBJECTS, bounds=st.booleans(),
    format=st.sampled_from(["json", "json", "lines", "call"]), value=ANYTHING,
)  # fmt: skip
def test_any_schema_loads_or_says_why(
    folder: Path, side: str, schema: Any, bounds: bool, format: str, value: Any
) -> None:
    """One that loads checks any value, too."""
    if specialist := loads(folder, side, schema, bounds, format):
        faults = specialist.input_faults if side == "input" else specialist.output_faults
        assert all(isinstance(fault, str) for fault in faults(value))


def test_the_schemas_tried_are_of_both_sorts(folder: Path) -> None:
    """Were all of them refused, the test above could not fail."""
    assert loads(folder, "output", {"type": "object", "properties": {"a": {"type": "string"}}}, True, "json")
    assert not loads(folder, "output", {"type": "object", "properties": {"a": {"type": "string"}}}, False, "json")
