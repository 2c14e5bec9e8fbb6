"""The benchmark that tries other people's schemas, on a few of our own, so that its counts can be believed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmarks.schemas import answers, loaded, main, reason, walked
from specialists.formats.json_grammar import json_grammar

TEXT = {"type": "string", "pattern": "^[a-c]{1,3}$"}
LOADS = {"type": "object", "properties": {"a": TEXT, "b": {"type": "array", "items": {"type": "integer"}}}}
REPEATS = {"type": "array", "items": {"enum": [1]}, "uniqueItems": True, "minItems": 1, "maxItems": 3}
SCHEMAS = {
    "loads": LOADS,
    "repeats": {"type": "object", "properties": {"a": REPEATS}, "required": ["a"]},
    "is_never_valid": {"type": "object", "properties": {"a": {**REPEATS, "minItems": 2}}, "required": ["a"]},
    "is_no_object": {"type": "array"},
    "refers_away": {"type": "object", "properties": {"a": {"$ref": "other.json"}}},
    "has_an_if": {"type": "object", "if": {}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, schema in SCHEMAS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(schema))
    return tmp_path


def test_each_schema_is_counted_once_with_what_became_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(folder) == 0  # no answer is wrong
    counts, refused = capsys.readouterr().out.rstrip().split("\n\n")
    assert sorted(counts.split("\n")) == [
        "    0  an answer not valid",
        "    0  too long to follow",
        "    2  every answer valid",
        "    2  loaded",
        "    6  schemas",
    ]
    assert sorted(refused.split("\n")) == [
        "    1  'uniqueItems' is held", "    1  is in another file", "    1  keyword 'if'",
        "    1  the top level must be an object",
    ]  # fmt: skip


def test_an_answer_that_breaks_the_schema_as_it_is_written_is_told(tmp_path: Path) -> None:
    tried = tmp_path / "tried"
    tried.mkdir()
    specialist = loaded(json.dumps(LOADS), tried)
    assert set(answers(specialist, 0)) == {"valid"}
    object.__setattr__(specialist, "as_written", ({}, {"required": ["z"]}))
    assert set(answers(specialist, 0)) == {"as it is written, it breaks 'required' at []"}


def test_a_walk_writes_what_the_grammar_allows_and_gives_up_what_is_endless() -> None:
    text = walked(json_grammar({"enum": ["only"]}, {}), random.Random(0))
    assert text == '"only"'
    assert walked("start: /a{9}/", random.Random(0), longest=10) == "aaaaaaaaa"
    assert walked("start: /a{9}/", random.Random(0), longest=9) is None


def test_a_fault_is_counted_by_its_kind_not_by_its_place() -> None:
    assert reason("x.a: keyword 'not' is not supported; known: …") == reason("y: keyword 'not' is not supported")
    assert reason("something else") == "something else"
