"""Folders with faults: each is a sentence of its own, and never a traceback; a map of names to values loads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specialists.catalog import SHIPPED
from specialists.formats.json_text import JsonFormat
from specialists.specialist import SpecialistError, load_specialist

Json = dict[str, Any]
Edit = Callable[[Path], object]


def copied(name: str, tmp_path: Path) -> Path:
    left_out = shutil.ignore_patterns("adapter*", "writing")
    return Path(shutil.copytree(SHIPPED / name, tmp_path / name, ignore=left_out))


def told(folder: Path) -> str:
    with pytest.raises(SpecialistError) as refused:
        load_specialist(folder, adapters=False)
    return str(refused.value)


def changed(folder: Path, side: str, change: Callable[[Json], object]) -> None:
    path = folder / f"{side}.schema.json"
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema))


@pytest.mark.parametrize(("name", "told"), [("claim_within_s", 0), ("queue_s", 2)])
def test_a_manifest_says_under_either_name_how_long_a_job_may_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, told: int
) -> None:
    folder = copied("triage", tmp_path)
    manifest = folder / "specialist.toml"
    text = manifest.read_text().replace("[limits]\n", f"[limits]\n{name} = 7\n")
    manifest.write_text(f'{text}\n[fallback]\nto = "large"\nbelow = 0.5\n{name} = 8\n')

    read = load_specialist(folder, adapters=False).manifest

    assert read.fallback
    assert (read.limits.claim_within_s, read.fallback.claim_within_s) == (7, 8)
    assert caplog.text.count("queue_s is called claim_within_s now") == told


@pytest.mark.parametrize(
    ("name", "side", "change", "fault"),
    [
        (
            "count",
            "input",
            lambda s: s["properties"].update(items=True),
            "count.input.items: must be a schema of its own",
        ),
        ("triage", "output", lambda s: s["properties"]["intent"].update(enum=[]), "an enum needs at least one value"),
        ("route", "output", lambda s: s["properties"]["intent"].update(enum=[None, "a"]), "an enum holds texts"),
        ("route", "output", lambda s: s["properties"]["intent"].update(enum=[1, 2]), "1 is none"),
        ("route", "output", lambda s: s.pop("properties"), "format 'lines' needs 'properties'"),
        (
            "count",
            "input",
            lambda s: s["properties"]["items"].update(maxItems=float("nan")),
            "number that is not finite",
        ),
    ],
)
def test_a_schema_that_says_too_little_is_refused(
    tmp_path: Path, name: str, side: str, change: Callable[[Json], object], fault: str
) -> None:
    folder = copied(name, tmp_path)
    changed(folder, side, change)
    assert fault in told(folder)


@pytest.mark.parametrize("file", ["specialist.toml", "input.schema.json", "prompt.txt"])
def test_a_file_that_is_not_utf_8_or_no_file_is_named(tmp_path: Path, file: str) -> None:
    folder = copied("triage", tmp_path)
    (folder / file).write_bytes(b'"\xff"')
    assert f"{file}: is not UTF-8 (byte 1)" in told(folder)
    (folder / file).unlink()
    (folder / file).mkdir()
    assert f"{file}: Is a directory" in told(folder)


def test_a_schema_that_nests_too_deep_is_refused(tmp_path: Path) -> None:
    folder = copied("count", tmp_path)
    open_, close = '{"type": "object", "properties": {"a":', "}}"
    for levels in (60, 5_000):
        (folder / "input.schema.json").write_text(f"{open_ * levels}{{}}{close * levels}")
        assert "levels" in told(folder)


def test_a_function_that_is_no_file_is_not_there(tmp_path: Path) -> None:
    folder = copied("count", tmp_path)
    (folder / "function.py").unlink()
    (folder / "function.py").mkdir()
    assert "function file 'function.py' is not there" in told(folder)


def test_the_bound_of_an_answer_counts_no_map_as_empty() -> None:
    text = {"type": "string", "maxLength": 10}
    of_map = {"type": "object", "additionalProperties": text, "properties": {}}
    both = {"type": "object", "additionalProperties": text, "properties": {"a": text}}
    closed = {"type": "object", "additionalProperties": False, "properties": {"a": text}}
    assert [JsonFormat(schema).longest() is None for schema in (of_map, both, closed)] == [True, True, False]
    assert JsonFormat({**closed, "properties": {"a": of_map}}).longest() is None
    assert JsonFormat({**closed, "properties": {"a": {"type": "array", "maxItems": 3}}}).longest() is None


def test_the_digest_of_a_folder_is_of_its_schemas_as_they_are_written() -> None:
    """It is in every outcome: jobs of before would not be told as this folder's any more."""
    specialist = load_specialist(SHIPPED / "count", adapters=False)
    assert specialist.input_schema == json.loads((SHIPPED / "count" / "input.schema.json").read_text())
    assert list(specialist.input_schema) == list(json.loads((SHIPPED / "count" / "input.schema.json").read_text()))


def test_a_map_of_names_to_values_needs_no_properties(tmp_path: Path) -> None:
    folder = copied("count", tmp_path)
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    (folder / "input.schema.json").write_text(json.dumps(counts))
    specialist = load_specialist(folder, adapters=False)
    assert specialist.input_faults({"a": 1}) == []
    assert specialist.input_faults({"a": "x"}) == ["count.input.a: must be integer, is string"]
