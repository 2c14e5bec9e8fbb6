"""Patterns of schemas: matched in linear time, and refused at load where they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specialists.patterns import PatternError, found, pattern_fault
from specialists.schemas import schema_faults, value_faults
from specialists.specialist import SpecialistError, load_specialist

BACKTRACKS = "^(a+)+$"


def folder_with(tmp_path: Path, pattern: str) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    text = {"type": "string", "maxLength": 20_000, "pattern": pattern}
    schema = {"type": "object", "properties": {"text": text}, "required": ["text"], "additionalProperties": False}
    (folder / "specialist.toml").write_text(
        'name = "mine"\nversion = "1.0.0"\ndescription = "d"\nengine = "function"\nfunction = "function.py:f"\n'
    )
    for side in ("input", "output"):
        (folder / f"{side}.schema.json").write_text(json.dumps(schema))
    (folder / "function.py").write_text("def f(input):\n    return input\n")
    return folder


def test_an_input_that_would_backtrack_for_ever_is_answered(tmp_path: Path) -> None:
    """Python's own expressions take 8 s over 27 characters, and twice as long with each more: 10,000 are no test of
    a clock."""
    mine = load_specialist(folder_with(tmp_path, BACKTRACKS))
    assert mine.input_faults({"text": "a" * 10_000}) == []
    for count in (27, 10_000):
        assert mine.input_faults({"text": "a" * count + "!"}) == [f"mine.input.text: breaks pattern {BACKTRACKS!r}"]


def test_a_pattern_holds_texts_alone() -> None:
    schema = {"type": ["string", "null"], "pattern": "^a", "maxLength": 3}
    assert value_faults(None, schema, "x") == []
    assert value_faults("ba", schema, "x") == ["x: breaks pattern '^a'"]


@pytest.mark.parametrize("pattern", ["(?=a)b", "(?<!a)b", r"(a)\1", "a{2000}", "("])
def test_a_pattern_that_no_engine_matches_in_linear_time_is_refused_at_load(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SpecialistError) as refused:
        load_specialist(folder_with(tmp_path, pattern))
    for side, fault in zip(("input", "output"), refused.value.faults, strict=True):
        assert fault.startswith(f"mine.{side}.text: pattern {pattern!r} cannot be matched in linear time")
        assert "write it without look-ahead" in fault


def test_a_pattern_deep_inside_a_schema_is_told_by_its_path() -> None:
    text = {"type": "string", "maxLength": 3, "pattern": "(?!a)"}
    schema = {"type": "object", "additionalProperties": {"type": "array", "maxItems": 2, "items": text}}
    (fault,) = schema_faults(schema, "x")
    assert fault.startswith("x.*.items: pattern '(?!a)'")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\u0041$", "A"), (r"^\\u0041$", r"\u0041"), (r"^\s$", "\xa0"), (r"^[\s,]+$", ", \u3000"), ("^[[:a]$", "["),
        (r"^[\s\S]$", "\n"), ("é", "café"), (r"^\d$", "1"), ("^\\S$", "a"),
    ],
)  # fmt: skip
def test_a_pattern_as_people_write_it_matches(pattern: str, text: str) -> None:
    assert pattern_fault(pattern) is None
    assert found(pattern, text)


@pytest.mark.parametrize(("pattern", "text"), [(r"^\S$", "\xa0"), (r"^\d$", "١"), (r"^\w$", "é"), ("^a$", "a\n")])
def test_a_pattern_means_what_it_means_in_a_grammar(pattern: str, text: str) -> None:
    assert not found(pattern, text)


def test_half_a_surrogate_pair_is_no_pattern() -> None:
    assert pattern_fault(r"^\ud83d$")
    with pytest.raises(PatternError):
        found(r"^\ud83d$", "a")
    assert pattern_fault("\ud83d")
    assert not found("a", "a\ud83d")
