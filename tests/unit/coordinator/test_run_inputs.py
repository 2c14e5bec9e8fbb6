"""Inputs on the command line: what `--input name=…` becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.commands.inputs import GivenError, read_inputs, read_plan_file


def test_plain_text_is_a_string() -> None:
    assert read_inputs(["note=a=b", "empty="]) == {"note": "a=b", "empty": ""}


def test_json_lines_are_a_list_and_an_object_with_one_text_is_that_text(tmp_path: Path) -> None:
    path = tmp_path / "inbox.jsonl"
    path.write_text('"one"\n\n{"text": "two"}\n{"text": "x", "from": "y"}\n{"n": 3}\n', "utf-8")
    assert read_inputs([f"messages=@{path}"]) == {"messages": ["one", "two", {"text": "x", "from": "y"}, {"n": 3}]}


def test_a_line_separator_inside_a_message_does_not_split_it(tmp_path: Path) -> None:
    path = tmp_path / "inbox.jsonl"
    path.write_text('"one\u2028two"\n', "utf-8")
    assert read_inputs([f"messages=@{path}"]) == {"messages": ["one\u2028two"]}


def test_a_text_file_is_one_string_and_a_json_file_its_value(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("two\nlines\n", "utf-8")
    (tmp_path / "b.json").write_text('{"n": [1]}', "utf-8")
    inputs = read_inputs([f"a=@{tmp_path / 'a.txt'}", f"b=@{tmp_path / 'b.json'}"])
    assert inputs == {"a": "two\nlines\n", "b": {"n": [1]}}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.jsonl", b'"fine"\n{broken\n', "x.jsonl:2: not JSON"),
        ("x.jsonl", b"\n\n", "x.jsonl has no lines"),
        ("x.json", b"{", "x.json: not JSON"),
        ("x.txt", b"\xff\xfe", "is not UTF-8 (byte 0)"),
    ],
)
def test_a_file_that_does_not_read_is_refused_with_the_place(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GivenError) as refused:
        read_inputs([f"messages=@{tmp_path / name}"])
    assert reason in str(refused.value)


def test_a_value_that_is_no_text_is_written_as_json() -> None:
    assert read_inputs(["n:=3", 'who:={"is": ["a=b"]}', "at=12:=30"]) == {
        "n": 3,
        "who": {"is": ["a=b"]},
        "at": "12:=30",
    }


def test_a_plan_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text('{"steps": []}')
    assert read_plan_file(tmp_path / "plan") == {"steps": []}


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "not JSON"), ("[]", "must hold a JSON object"), ("\udcff", "is not UTF-8 .byte 0.")]
)
def test_a_file_that_holds_no_plan_is_named(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "plan").write_text(text, errors="surrogateescape")
    with pytest.raises(GivenError, match=reason):
        read_plan_file(tmp_path / "plan")
    with pytest.raises(GivenError, match="none: No such file"):
        read_plan_file(tmp_path / "none")


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (["n:=three"], "--input n: not JSON"),
        ([":=3"], "write name=text, name=@file or name:=JSON"),
        (["messages"], "write name=text, name=@file or name:=JSON"),
        (["=x"], "write name=text, name=@file or name:=JSON"),
        (["a=1", "a=2"], "a: given twice"),
        (["a=@/no/such/file"], "cannot read /no/such/file: No such file"),
    ],
)
def test_a_pair_that_says_nothing_is_refused(pairs: list[str], reason: str) -> None:
    with pytest.raises(GivenError, match=reason):
        read_inputs(pairs)
