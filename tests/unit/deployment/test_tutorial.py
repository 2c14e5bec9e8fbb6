"""The tutorial's files and commands, written and read as a reader would."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import pytest
import typer

from infra.cli import build
from specialists.catalog import load_catalog
from specialists.examples import read_examples
from specialists.specialist import Specialist

DOCS = Path(__file__).parents[3] / "docs"
TEXT = (DOCS / "tutorial.md").read_text("utf-8")
FILES = dict(re.findall(r"^`~/mine/(\S+)`\n\n```\w+\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE))
CONSOLE = "".join(re.findall(r"^```console\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE)).replace("\\\n", " ")
COMMANDS = re.findall(r"^(?:\$ )?\.venv/bin/manyhands (.+)$", CONSOLE, re.MULTILINE)
PROGRAM = "to_examples.py"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's folder after step 3, `export` left out."""
    shutil.copy(DOCS / "tutorial/parcels.csv", tmp_path)
    (tmp_path / "parcel").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(mine: Path) -> Specialist:
    runpy.run_path(str(mine / PROGRAM))
    return load_catalog([mine]).get("parcel")


def test_the_folder_loads_and_its_labels_are_those_that_the_program_prints(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specialist = made(mine)
    printed = capsys.readouterr().out
    assert f"python3 {PROGRAM})\n{printed}" in CONSOLE
    labels = json.loads(printed.rpartition("labels: ")[2])
    assert specialist.output_schema["properties"]["topic"]["enum"] == labels


def test_each_example_is_one_that_the_specialist_takes(mine: Path) -> None:
    specialist = made(mine)
    learnt, held_out = (read_examples(mine / f"{name}.jsonl") for name in ("train", "dev"))
    assert not [each for each in held_out if each in learnt]
    assert {each.output["topic"] for each in held_out} == {each.output["topic"] for each in learnt}
    for each in learnt + held_out + read_examples(mine / "parcel/examples.jsonl"):
        assert not specialist.input_faults(each.input)
        assert specialist.parse(specialist.format.write(each.output), each.input) == each.output


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_has_the_options_that_it_is_given(line: str, mine: Path) -> None:
    made(mine)
    name, *rest = shlex.split(re.sub(r"(~|\$HOME)/mine", str(mine), line))
    command = typer.main.get_command(build()).get_command(None, name)  # type: ignore[attr-defined]
    assert command is not None
    with command.make_context(name, rest) as given:
        assert given.command is command


def test_the_call_by_curl_is_one_that_the_specialist_takes(mine: Path) -> None:
    body = json.loads(re.findall(r"-d '(\{.*?\})'", CONSOLE)[0])
    assert body["type"] == "parcel"
    assert not made(mine).input_faults(body["input"])
