"""Writes the result of a goal into the file that the command line names. Knows no API.

A table is what a result has as a list; the end of the file's name says its form. Of several lists, one is
named: `result.csv#s2`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from coordinator.commands.data_forms import GivenError
from coordinator.commands.parquet import ParquetFault, check_installed, write_rows
from infra.records import Json


class ResultFile(NamedTuple):
    path: Path
    form: str
    part: str | None = None  #: the list that is written; None: the only one


def result_file(given: str) -> ResultFile:
    """The file that `--out` names. Raises GivenError if nothing could be written there: before anything is sent."""
    name, mark, part = given.rpartition("#")
    path = Path(name if mark else given)
    form = _SUFFIXES.get(Path(path.name.lower().removesuffix(".gz")).suffix)
    if form is None:
        raise GivenError(f"--out {path}: its name must end in one of {', '.join(_SUFFIXES)}, or in .gz behind that")
    if not path.parent.is_dir():
        raise GivenError(f"--out {path}: there is no folder {path.parent}")
    if form == "parquet":
        try:
            check_installed()
        except ParquetFault as error:
            raise GivenError(f"--out {path}: {error}") from None
    return ResultFile(path, form, part if mark else None)


def write_result(out: ResultFile, result: Any) -> int | None:
    """Write the result. Returns how many rows the file has; None if it has the result as it is. Raises GivenError."""
    if out.form == "json" and out.part is None:
        rows, data = None, _json(result)
    else:
        rows = _rows(out, result)
        try:
            data = _FORMS[out.form](rows)
        except ParquetFault as error:
            raise GivenError(f"--out {out.path}: {error}; write it to a .jsonl file") from None
    try:
        out.path.write_bytes(gzip.compress(data) if out.path.name.lower().endswith(".gz") else data)
    except OSError as error:
        raise GivenError(f"--out {out.path}: cannot be written: {error.strerror or error}") from None
    return None if rows is None else len(rows)


def _rows(out: ResultFile, result: Any) -> list[Any]:
    lists = dict(_lists(result))
    if out.part is not None:
        if out.part not in lists:
            raise GivenError(f"--out {out.path}: the result has no list {out.part!r}; it has: {_named(lists)}")
        return lists[out.part]
    if len(lists) > 1:
        raise GivenError(
            f"--out {out.path}: the result has several lists: {_named(lists)}; say which, as in "
            f"--out {out.path}#{next(iter(lists))}, or write all of it to a .json file"
        )
    return next(iter(lists.values())) if lists else [result]


def _named(lists: Mapping[str, Any]) -> str:
    return ", ".join(lists) or "none"


def _lists(result: Any, name: str = "") -> Iterator[tuple[str, list[Any]]]:
    """The lists of a result by name: of a step, or of a field of what a step gives, such as `s2.counts`."""
    if isinstance(result, list):
        yield name, result
    elif isinstance(result, dict) and name.count(".") < 1:
        for key, value in result.items():
            yield from _lists(value, f"{name}.{key}" if name else key)


def _objects(rows: Sequence[Any]) -> list[Json]:
    """The rows as objects. A place without an output is empty; a value that is no object is in the column `value`."""
    return [row if isinstance(row, dict) else {} if row is None else {"value": row} for row in rows]


def _csv(rows: Sequence[Any], delimiter: str = ",") -> bytes:
    objects = _objects(rows)
    names = list(dict.fromkeys(name for row in objects for name in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in objects)
    return out.getvalue().encode()


def _tsv(rows: Sequence[Any]) -> bytes:
    return _csv(rows, "\t")


def _cell(value: Any) -> str:
    """A text as it is, nothing for null, and other values as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json_lines(rows: Sequence[Any]) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def _json(value: Any) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n".encode()


def _parquet(rows: Sequence[Any]) -> bytes:
    return write_rows(_objects(rows))


_SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet",
}  # fmt: skip
_FORMS: Mapping[str, Callable[[Sequence[Any]], bytes]] = {
    "csv": _csv, "tsv": _tsv, "jsonl": _json_lines, "json": _json, "parquet": _parquet,
}  # fmt: skip
