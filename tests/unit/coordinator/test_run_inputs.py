"""Inputs on the command line: what `--input name=…` becomes."""

from __future__ import annotations

import gzip
import io
import math
import sys
from datetime import datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from coordinator.commands.data_forms import GivenError
from coordinator.commands.inputs import read_inputs, read_job_input, read_plan_file

TICKETS = 'id,message,from\n1,"lost, in Rome",Anna\n2,late,Ben\n'


def test_a_column_is_picked_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").write_text(TICKETS, "utf-8")
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(TICKETS.encode()))
    (tmp_path / "odd").write_text(TICKETS, "utf-8")
    (tmp_path / "tickets.jsonl").write_text('{"id": 1, "message": "lost, in Rome"}\n{"message": "late"}\n', "utf-8")
    (tmp_path / "tickets.json").write_text('[{"message": "lost, in Rome"}, {"message": "late"}]', "utf-8")
    (tmp_path / "one.csv").write_text("message\nlost\n", "utf-8")
    names = ("tickets.csv", "packed.csv.gz", "tickets.jsonl", "tickets.json")
    for given in (*(str(tmp_path / name) for name in names), f"csv:{tmp_path / 'odd'}"):
        assert read_inputs([f"m=@{given}#message"]) == {"m": ["lost, in Rome", "late"]}, given
    assert read_inputs([f"m=@{tmp_path / 'one.csv'}#message"]) == {"m": ["lost"]}


def test_a_column_of_standard_input_is_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TICKETS.encode())))
    assert read_inputs(["m=@csv:-#from"]) == {"m": ["Anna", "Ben"]}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TICKETS.encode())))
    with pytest.raises(GivenError, match="standard input is 'a' already"):
        read_inputs(["a=@csv:-#from", "b=@csv:-#message"])


def test_a_file_that_has_a_hash_in_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv#message").write_text("one line", "utf-8")
    (tmp_path / "no#1.csv").write_text(TICKETS, "utf-8")
    assert read_inputs([f"m=@{tmp_path / 'a.csv#message'}"]) == {"m": "one line"}
    assert read_inputs([f"m=@{tmp_path / 'no#1.csv'}#from"]) == {"m": ["Anna", "Ben"]}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", TICKETS, "row 1 has no column 'text'; it has: id, message, from"),
        ("a.jsonl", '{"text": "x"}\n{"note": "y"}\n', "row 2 has no column 'text'; it has: note"),
        ("a.jsonl", '"x"\n', "is no table and no list of objects, so it has no column 'text'"),
        ("a.json", '{"text": ["x"]}', "is no table and no list of objects, so it has no column 'text'"),
        ("a.txt", "x", "is no table and no list of objects, so it has no column 'text'"),
    ],
)
def test_a_column_that_is_not_there_is_refused_with_those_that_are(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(GivenError) as refused:
        read_inputs([f"m=@{tmp_path / name}#text"])
    assert reason in str(refused.value)


def test_a_parquet_file_is_a_table_of_values_that_json_has(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "message": "lost", "at": datetime(2026, 12, 1, 9, 30), "score": math.nan, "tags": ["a"]},
        {"id": 2, "message": "late", "at": None, "score": 0.5, "tags": []},
    ]
    path = tmp_path / "tickets.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert read_inputs([f"m=@{path}"]) == {
        "m": [
            {"id": 1, "message": "lost", "at": "2026-12-01T09:30:00", "score": None, "tags": ["a"]},
            {"id": 2, "message": "late", "at": None, "score": 0.5, "tags": []},
        ]
    }
    assert read_inputs([f"m=@{path}#message"]) == {"m": ["lost", "late"]}


def test_parquet_without_its_library_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(GivenError, match="Parquet needs pyarrow, which is not installed here"):
        read_inputs([f"m=@{tmp_path / 'a.parquet'}"])


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"id,message\n")
    with pytest.raises(GivenError, match="is no Parquet file that can be read"):
        read_inputs([f"m=@{tmp_path / 'a.parquet'}"])


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


def test_a_file_of_one_line_is_one_text_and_a_json_file_its_value(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one line\n", "utf-8")
    (tmp_path / "b.json").write_text('{"n": [1]}', "utf-8")
    inputs = read_inputs([f"a=@{tmp_path / 'a.txt'}", f"b=@{tmp_path / 'b.json'}"])
    assert inputs == {"a": "one line\n", "b": {"n": [1]}}


def test_a_text_of_several_lines_is_refused_until_it_is_said_what_it_is(tmp_path: Path) -> None:
    """Taken for one text, a file of a thousand messages would get one label, and nobody would notice."""
    path = tmp_path / "messages.txt"
    path.write_text("my card is lost\nwhere is it?\n", "utf-8")
    with pytest.raises(GivenError) as refused:
        read_inputs([f"m=@{path}"])
    assert f"has 2 lines. For a list of its lines write m=@lines:{path}, for one text m=@text:{path}" in str(
        refused.value
    )
    assert read_inputs([f"m=@lines:{path}"]) == {"m": ["my card is lost", "where is it?"]}
    assert read_inputs([f"m=@text:{path}"]) == {"m": "my card is lost\nwhere is it?\n"}


def test_a_table_is_a_record_for_each_row_and_one_column_its_texts(tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text('id,text\n1,"lost, in Rome"\n2,"two\nlines"\n', "utf-8-sig")
    (tmp_path / "one.csv").write_text("text\nlost\nlate\n", "utf-8")
    (tmp_path / "tabs.tsv").write_text("id\ttext\r\n1\tlost, late\r\n", "utf-8")
    (tmp_path / "half.csv").write_text("id;text\n1;lost\n", "utf-8")
    names = {"two": "two.csv", "one": "one.csv", "tabs": "tabs.tsv", "half": "half.csv"}
    assert read_inputs([f"{name}=@{tmp_path / file}" for name, file in names.items()]) == {
        "two": [{"id": "1", "text": "lost, in Rome"}, {"id": "2", "text": "two\nlines"}],
        "one": ["lost", "late"],
        "tabs": [{"id": "1", "text": "lost, late"}],
        "half": [{"id": "1", "text": "lost"}],
    }


def test_a_table_is_parted_as_its_name_or_its_header_says(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("name, full\tcity, state\nSmith, John\tParis, FR\n", "utf-8")
    (tmp_path / "b.csv").write_text('"Name, first";"City, state"\nAnn;Rome\n', "utf-8")
    (tmp_path / "c.csv").write_text("id,text\n1," + "x" * 200_000 + "\n", "utf-8")
    told = read_inputs([f"a=@{tmp_path / 'a.tsv'}", f"b=@{tmp_path / 'b.csv'}", f"c=@{tmp_path / 'c.csv'}"])
    assert told["a"] == [{"name, full": "Smith, John", "city, state": "Paris, FR"}]
    assert told["b"] == [{"Name, first": "Ann", "City, state": "Rome"}]
    assert len(told["c"][0]["text"]) == 200_000


def test_a_line_is_what_ends_in_a_line_break_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\u2028still one\n", "utf-8")
    assert read_inputs([f"a=@{tmp_path / 'a.txt'}"]) == {"a": "one\u2028still one\n"}
    assert read_inputs([f"a=@lines:{tmp_path / 'a.txt'}"]) == {"a": ["one\u2028still one"]}


def test_standard_input_is_one_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hi\n")))
    with pytest.raises(GivenError, match="--input b: standard input is 'a' already"):
        read_inputs(["a=@-", "b=@text:-"])


def test_packed_files_and_standard_input_are_read_by_their_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'"one"\n"two"\n'))
    (tmp_path / "C.JSONL.GZ").write_bytes(gzip.compress(b'"one"\n'))
    assert read_inputs([f"c=@{tmp_path / 'C.JSONL.GZ'}"]) == {"c": ["one"]}
    (tmp_path / "b.ndjson").write_text('"three"\n')
    assert read_inputs([f"a=@{tmp_path / 'a.jsonl.gz'}", f"b=@{tmp_path / 'b.ndjson'}"]) == {
        "a": ["one", "two"],
        "b": ["three"],
    }
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"text": "hi"}\n{"text": "ho"}\n')))
    assert read_inputs(["m=@jsonl:-"]) == {"m": ["hi", "ho"]}
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hi\nho\n")))
    with pytest.raises(GivenError, match=r"write m=@lines:-, for one text m=@text:-"):
        read_inputs(["m=@-"])


def test_the_whole_input_of_a_job_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"text": "hi"}')
    assert read_job_input([f"@{tmp_path / 'job.json'}"]) == {"text": "hi"}
    with pytest.raises(GivenError, match="must hold a JSON object"):
        read_job_input([f"@text:{tmp_path / 'job.json'}"])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.jsonl", b'"fine"\n{broken\n', "x.jsonl:2: is not JSON"),
        ("x.jsonl", b"\n\n", "x.jsonl has no lines"),
        ("x.json", b"{", "x.json: is not JSON"),
        ("x.txt", b"\xff\xfe", "is not UTF-8 (byte 0); save it as UTF-8"),
        ("x.txt", b"a\0b", "holds a NUL character"),
        ("x.jsonl", b'"fine"\n{"n": NaN}\n', "x.jsonl:2: is not JSON: NaN is no number of JSON"),
        ("x.jsonl", b'"\\ud800"\n', "x.jsonl:1: holds half a surrogate pair"),
        ("x.jsonl.gz", b"plain", "is no whole gzip file"),
        ("x.csv", b"id,id\n1,2\n", "x.csv:1: a table's first line names its columns"),
        ("x.csv", b"id,text\n1,a,b\n", "x.csv:2: has 3 fields, the header has 2: id, text"),
        ("x.csv", b'id,text\n1,"a\n', "no CSV"),
        ("x.csv", b"id,text\n", "x.csv has no rows"),
        ("x.xlsx", b"PK", "is not read; save it as .jsonl, .ndjson, .json, .csv, .tsv, .parquet, or as lines of text"),
        ("x.Yaml", b"- one\n", ".yaml is not read"),
        ("x.csv.zip", b"PK", ".zip is not read"),
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
    with pytest.raises(GivenError, match="none cannot be read: No such file"):
        read_plan_file(tmp_path / "none")


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (["n:=three"], "--input n: is not JSON"),
        ([":=3"], "write name=text, name=@file or name:=JSON"),
        (["messages"], "write name=text, name=@file or name:=JSON"),
        (["=x"], "write name=text, name=@file or name:=JSON"),
        (["a=1", "a=2"], "a: given twice"),
        (["a=\udcff"], "--input a: is not UTF-8"),
        (["a:=" + "[" * 100_000], "--input a: nests deeper than 100 levels"),
        (["a:=NaN"], "--input a: is not JSON: NaN"),
        (["a=@/no/such/file"], "/no/such/file cannot be read: No such file"),
    ],
)
def test_a_pair_that_says_nothing_is_refused(pairs: list[str], reason: str) -> None:
    with pytest.raises(GivenError, match=reason):
        read_inputs(pairs)
