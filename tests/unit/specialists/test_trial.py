"""A trial at load: a grammar that does not compile and an example that is no answer are faults of the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specialists.catalog import CatalogError, load_catalog
from specialists.specialist import SpecialistError, load_specialist

MANIFEST = """
name = "mood"
version = "1.0.0"
description = "Says the mood of a text."
engine = "transformers"
[base]
name = "smollm2-135m"
[decoding]
format = "{format}"
max_tokens = 50
"""
TEXT = {"type": "string", "maxLength": 20}
ROW = {"input": {"text": "fine"}, "output": {"mood": "good"}}


def closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def folder_of(tmp_path: Path, output: object = TEXT, format: str = "json", examples: str | None = None) -> Path:
    folder = tmp_path / "mood"
    folder.mkdir()
    (folder / "specialist.toml").write_text(MANIFEST.format(format=format))
    (folder / "input.schema.json").write_text(json.dumps(closed(text=TEXT)))
    (folder / "output.schema.json").write_text(json.dumps(closed(mood=output)))
    (folder / "prompt.txt").write_text("{{text}}")
    if examples is not None:
        (folder / "examples.jsonl").write_text(examples)
    return folder


def told(folder: Path) -> list[str]:
    with pytest.raises(SpecialistError) as refused:
        load_specialist(folder)
    return refused.value.faults


def test_a_folder_loads_with_an_example_that_is_an_answer_and_without_one(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, examples="\n" + json.dumps(ROW) + "\nno example\n")
    assert load_specialist(folder).name == "mood"
    (folder / "examples.jsonl").unlink()
    assert load_specialist(folder).name == "mood"


@pytest.mark.parametrize(
    ("example", "fault"),
    [
        ("nothing", "examples.jsonl:3: is not JSON"),
        ('{"input": {"text": "fine"}}', 'examples.jsonl:3: is not {"input": …, "output": …}'),
        (json.dumps({**ROW, "input": {"txt": "fine"}}), "examples.jsonl:3: mood.input: missing 'text'"),
        (json.dumps({**ROW, "output": {"mood": 3}}), "examples.jsonl:3: mood.output.mood: must be string"),
    ],
)
def test_what_is_wrong_with_an_example_is_said_with_its_line(tmp_path: Path, example: str, fault: str) -> None:
    assert told(folder_of(tmp_path, examples=f"\n\n{example}\n"))[0].startswith(fault)


def test_an_example_that_its_format_cannot_write_is_a_fault(tmp_path: Path) -> None:
    row = {**ROW, "output": {"mood": "good\nbad"}}
    (fault,) = told(folder_of(tmp_path, format="lines", examples=json.dumps(row)))
    assert fault.startswith("examples.jsonl:1: its output cannot be an answer: format 'lines' holds strings without")


def test_an_example_that_is_no_copy_is_a_fault(tmp_path: Path) -> None:
    (fault,) = told(folder_of(tmp_path, {**TEXT, "x-span-of": "text"}, examples=json.dumps(ROW)))
    assert (
        fault == "examples.jsonl:1: its output cannot be an answer: mood.output.mood: not a part of the input's 'text'"
    )


def test_a_grammar_that_does_not_compile_is_a_fault_with_an_example_and_without(tmp_path: Path) -> None:
    """RE2 takes a boundary of words, llguidance does not."""
    folder = folder_of(tmp_path, {**TEXT, "pattern": r"\bgood\b"}, examples=json.dumps(ROW))
    for where in ("examples.jsonl:1: ", ""):
        (fault,) = told(folder)
        assert fault.startswith(f"{where}the grammar of the output schema does not compile: ")
        assert "lookarounds" in fault
        (folder / "examples.jsonl").unlink(missing_ok=True)


def test_the_catalog_tries_the_folders_that_do_not_ship(tmp_path: Path) -> None:
    folder_of(tmp_path, examples="nothing")
    with pytest.raises(CatalogError, match=r"specialist folder .mood.: examples\.jsonl:1: is not JSON"):
        load_catalog([tmp_path], adapters=False)
