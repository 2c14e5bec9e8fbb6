"""Results in files: `--out result.csv` and its like."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from coordinator.commands.data_files import read_file
from coordinator.commands.data_forms import GivenError
from coordinator.commands.result_files import result_file, write_result

ROWS: list[dict[str, Any]] = [
    {"message": "lost, in Rome", "intent": "lost", "score": 0.5},
    {"message": "late", "intent": None, "tags": ["a", "b"]},
]


def written(path: Path, result: Any) -> int | None:
    return write_result(result_file(str(path)), result)


def test_rows_are_a_csv_table_of_all_columns(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", {"s1": ROWS}) == 2

    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["message", "intent", "score", "tags"],
            ["lost, in Rome", "lost", "0.5", ""],
            ["late", "", "", '["a", "b"]'],
        ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz"])
def test_rows_are_read_again_as_they_were_written(tmp_path: Path, name: str) -> None:
    rows = [*ROWS, None]
    written(tmp_path / name, rows)
    data = (tmp_path / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
    assert [json.loads(line) for line in text.splitlines()] == rows
    assert read_file("a", str(tmp_path / name)) == rows


def test_rows_are_a_parquet_table(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet", ROWS)
    assert read_file("a", str(tmp_path / "a.parquet")) == [
        {**ROWS[0], "tags": None},
        {"message": "late", "intent": None, "score": None, "tags": ["a", "b"]},
    ]


def test_a_json_file_has_the_result_as_it_is(tmp_path: Path) -> None:
    result = {"s1": ROWS, "s2": {"total": 2}}
    assert written(tmp_path / "a.json", result) is None
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == result


def test_the_one_list_of_a_step_is_found_and_a_result_without_lists_is_one_row(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", {"s2": {"counts": ROWS, "total": 2}}) == 2
    assert written(tmp_path / "b.csv", {"total": 2}) == 1
    assert (tmp_path / "b.csv").read_text("utf-8") == "total\n2\n"
    assert written(tmp_path / "c.csv", ["x", "y"]) == 2
    assert (tmp_path / "c.csv").read_text("utf-8") == "value\nx\ny\n"


def test_of_several_lists_one_is_named(tmp_path: Path) -> None:
    result = {"s1": ROWS, "s2": {"counts": [{"value": "lost", "count": 1}]}}
    with pytest.raises(GivenError, match=r"has several lists: s1, s2.counts; say which, as in --out .*a.csv#s1"):
        written(tmp_path / "a.csv", result)
    assert write_result(result_file(f"{tmp_path / 'a.csv'}#s2.counts"), result) == 1
    assert (tmp_path / "a.csv").read_text("utf-8") == "value,count\nlost,1\n"
    with pytest.raises(GivenError, match=r"no list 's3'; it has: s1, s2.counts"):
        write_result(result_file(f"{tmp_path / 'a.csv'}#s3"), result)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.xlsx", "its name must end in one of .csv, .tsv, .jsonl"),
        ("a", "its name must end in one of .csv"),
        ("none/a.csv", "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_sent(
    tmp_path: Path, name: str, reason: str
) -> None:
    with pytest.raises(GivenError, match=reason):
        result_file(str(tmp_path / name))


def test_parquet_without_its_library_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(GivenError, match="Parquet needs pyarrow"):
        result_file("a.parquet")


def test_rows_that_make_no_parquet_table_are_refused_with_a_form_that_takes_them(tmp_path: Path) -> None:
    with pytest.raises(GivenError, match=r"do not fit into a Parquet table: .*; write it to a .jsonl file"):
        written(tmp_path / "a.parquet", [{"n": 1}, {"n": "two"}])


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(GivenError, match="cannot be written: "):
        written(tmp_path / "b.csv", ROWS)
