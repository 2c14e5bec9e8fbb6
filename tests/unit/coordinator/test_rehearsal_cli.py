"""`manyhands rehearse` and `manyhands plan`: lines as soon as they are known, and exit codes that say how it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from coordinator.rehearsal import planner
from infra.cli import build
from tests.support.story import COUNT, JOIN, SORT

Json = dict[str, Any]
RUNNER = CliRunner()
INPUTS = {"messages": ["my card is lost", "where is my money"]}
PLAN = {"id": "p", "plan": {"steps": [SORT, JOIN, COUNT]}, "inputs": INPUTS}
GOAL = {"id": "g", "goal": "sort them", "inputs": INPUTS}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[Json], None]:
    """Has the planner that is loaded answer so."""

    def use(output: Json) -> None:
        monkeypatch.setattr(planner, "load_planner", lambda *_: lambda _: output)

    return use


def answer(kind: str = "plan", *plans: list[Json], reason: str = "") -> Json:
    told = [{"steps": steps, "words": "sort each", "confidence": 0.9} for steps in plans]
    return {"answer": kind, "confidence": 0.9, "reason": reason, "plans": told}


def rehearse(tmp_path: Path, *lines: Json | str, options: tuple[str, ...] = ("--json",)) -> Any:
    file = tmp_path / "goals.jsonl"
    file.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines), "utf-8")
    return RUNNER.invoke(build(), ["rehearse", str(file), *options])


def test_a_line_comes_out_for_each_that_goes_in_and_in_order(tmp_path: Path, answers: Callable[[Json], None]) -> None:
    answers(answer("plan", [SORT]))
    done = rehearse(tmp_path, GOAL, PLAN)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert [(each["id"], each["state"]) for each in told] == [("g", "succeeded"), ("p", "succeeded")]
    assert told[0].keys() == {"id", "state", "plan", "reason", "confidence", "result", "seconds"}


def test_malformed_lines_are_named_at_the_end_of_which_the_others_are_done(tmp_path: Path) -> None:
    done = rehearse(tmp_path, "{", PLAN, {"id": "x"})
    assert done.exit_code == 2
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["p"]
    assert "goals.jsonl, line 1: is not JSON" in done.stderr
    assert "goals.jsonl, line 3: give either 'goal' (words) or 'plan'" in done.stderr


def test_what_functions_print_does_not_mix_with_the_lines(
    tmp_path: Path, write_specialist: Callable[..., Path]
) -> None:
    text = {"text": {"type": "string", "maxLength": 40}}
    files = {"function.py": "def own(input):\n    print('{loud}')\n    return input\n"}
    folder = write_specialist("own", 'engine = "function"\nfunction = "function.py:own"\n', text, text, files)
    line = {**PLAN, "plan": {"steps": [{**SORT, "type": "own"}]}}
    done = rehearse(tmp_path, line, options=("--json", "--specialists", str(folder.parent)))
    assert len(done.stdout.splitlines()) == 1
    assert json.loads(done.stdout)["result"] == [{"text": each} for each in INPUTS["messages"]]
    assert "{loud}" in done.stderr


def test_a_folder_that_the_settings_name_too_is_taken_once(
    tmp_path: Path, write_specialist: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = {"text": {"type": "string", "maxLength": 40}}
    files = {"function.py": "def own(input):\n    return input\n"}
    folder = write_specialist("own", 'engine = "function"\nfunction = "function.py:own"\n', text, text, files).parent
    monkeypatch.setenv("MANYHANDS_SPECIALISTS", json.dumps([str(folder)]))
    line = {**PLAN, "plan": {"steps": [{**SORT, "type": "own"}]}}
    assert rehearse(tmp_path, line, options=("--json", "--specialists", str(folder))).exit_code == 0


def test_people_get_a_table(tmp_path: Path) -> None:
    done = rehearse(tmp_path, PLAN, options=())
    assert "triage → table" in done.stdout
    assert "1 line: 1 succeeded" in done.stdout


def test_a_missing_planner_is_one_sentence_and_exit_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "GROUP", "manyhands.none")
    done = rehearse(tmp_path, PLAN, GOAL)
    assert done.exit_code == 2
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.startswith("nothing here plans goals in words: install manyhands")
    assert len(done.stderr.splitlines()) == 1


class Broken:
    @staticmethod
    def load() -> Any:
        raise ImportError("No module named 'torch'\nand more")


def test_a_planner_that_cannot_be_loaded_is_one_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "entry_points", lambda **_: [Broken])
    monkeypatch.setattr(planner, "load_specialist", lambda _: None)
    done = rehearse(tmp_path, GOAL)
    assert (done.exit_code, done.stderr) == (2, "the planner cannot be loaded: No module named 'torch'\n")


def plan(*options: str) -> Any:
    return RUNNER.invoke(build(), ["plan", "sort them", "--input", "note=a text", *options])


NOTE = {"id": "s1", "type": "triage", "args": {"text": {"$ref": "inputs.note"}}}
WHOLE = [
    (answer("plan", [NOTE]), 0, "This is the plan"),
    (answer("plan", [SORT]), 1, "There is no plan that can run"),
    (answer("unsure", [NOTE], [NOTE], reason="two ways"), 3, "It is not clear which plan is meant: two ways"),
    (answer("refused", reason="nothing translates"), 4, "This cannot be done here: nothing translates"),
]


@pytest.mark.parametrize(("output", "code", "said"), WHOLE)
def test_a_plan_is_shown_and_not_run(answers: Callable[[Json], None], output: Json, code: int, said: str) -> None:
    answers(output)
    done = plan()
    assert done.exit_code == code
    assert done.stdout.startswith(said)


def test_a_plan_for_programs(answers: Callable[[Json], None]) -> None:
    answers(answer("plan", [NOTE]))
    told = json.loads(plan("--json").stdout)
    assert told["plans"][0]["plan"]["steps"] == [NOTE]
    assert told["plans"][0]["jobs_in_all"] == {"count": 1, "exact": True}


def test_an_input_that_cannot_be_read_is_said(answers: Callable[[Json], None]) -> None:
    answers(answer("plan", [NOTE]))
    done = RUNNER.invoke(build(), ["plan", "sort them", "--input", "note=@/no/such/file.txt"])
    assert done.exit_code == 1
    assert "/no/such/file.txt cannot be read" in done.stderr
