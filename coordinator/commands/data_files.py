"""Reads the data files that the command line names. Knows no API.

A file is one text, a list of lines, JSON, JSON Lines or a table. Its name or the caller says which, and nothing is
guessed from its content: a file of several lines is refused if neither says it. Of a table, and of a list of objects,
one column may be named: `tickets.csv#message`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from coordinator.commands.data_forms import FORMS, LINE_END, GivenError, Rows, read_json
from coordinator.commands.parquet import ParquetFault, read_rows
from infra.json_lines import STANDARD_INPUT, FileFault, read_bytes, text_of
from infra.json_values import unwritable
from infra.records import Json

PARQUET = "parquet"
#: The end of a file's name -> its form. A file with another name must say its form, unless it has only one line.
SUFFIXES = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv", ".parquet": PARQUET,
}  # fmt: skip
#: The ends of names of files that look like a text, or like none, and hold data in a form that is not read.
UNREAD = frozenset(
    (
        *(".xlsx", ".xls", ".ods", ".docx", ".pdf", ".avro", ".arrow", ".feather", ".sqlite", ".db"),
        *(".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz", ".yaml", ".yml", ".toml"),
    )
)


class Source(NamedTuple):
    """What a caller names as a file."""

    form: str  #: the form that is said before the name; empty if none is
    path: str
    column: str | None = None


def source_of(given: str) -> Source:
    """Read FILE, FORM:FILE, or `-` for standard input, each perhaps with `#COLUMN` behind it.

    A file that has such a name as a whole is that file.
    """
    form, colon, path = given.partition(":")
    if not colon or form not in (*FORMS, PARQUET):
        form, path = "", given
    name, mark, column = path.rpartition("#")
    return Source(form, name, column) if mark and name and not Path(path).exists() else Source(form, path)


def read_file(where: str, given: str) -> Any:
    """Read a file's data. Raises GivenError.

    `given`: as `source_of` reads it; a name that ends in .gz is unpacked. `where`: the beginning of each error, such as
    `--input messages`."""
    source = source_of(given)
    name = "standard input" if source.path == STANDARD_INPUT else Path(source.path).name
    value = _value(where, source, f"{where}: {name}")
    return _plain_rows(value) if source.column is None else _picked(f"{where}: {name}", value, source.column)


def read_object(option: str, path: Path, what: str) -> Json:
    """The JSON object in a file, whatever the file's name. Raises GivenError."""
    where = f"{option} {path}"
    value = read_json(where, _text(option, str(path), _bytes(option, str(path))))
    if not isinstance(value, dict):
        raise GivenError(f"{where}: must hold a JSON object {what}")
    return value


def _value(where: str, source: Source, what: str) -> Any:
    suffix = Path(source.path.lower().removesuffix(".gz")).suffix
    if not source.form and suffix in UNREAD:
        known = ", ".join(SUFFIXES)
        raise GivenError(f"{where}: {source.path}: {suffix} is not read; save it as {known}, or as lines of text")
    data = _bytes(where, source.path)
    form = source.form or SUFFIXES.get(suffix)
    if form == PARQUET:
        return _parquet(what, data)
    text = _text(where, source.path, data)
    return FORMS[form or _form_of(where, source.path, text)](what, text)


def _form_of(where: str, path: str, text: str) -> str:
    """The form of a file whose name says none."""
    if (lines := len(LINE_END.split(text.strip()))) == 1:
        return "text"
    option, others = where.removeprefix("--input "), sorted({*FORMS, PARQUET} - {"lines", "text"})
    if option.startswith("'@"):
        raise GivenError(f"{where}: {path} has {lines} lines, and no name that says what it is")
    raise GivenError(
        f"{where}: {path} has {lines} lines. For a list of its lines write {option}=@lines:{path}, for one text "
        f"{option}=@text:{path}; it may also be {', '.join(others)}"
    )


def _bytes(where: str, path: str) -> bytes:
    try:
        return read_bytes(path)
    except FileFault as error:
        raise GivenError(f"{where}: {path} {error}") from None


def _text(where: str, path: str, data: bytes) -> str:
    try:
        return text_of(data)
    except FileFault as error:
        raise GivenError(f"{where}: {path} {error}") from None


def _parquet(where: str, data: bytes) -> Rows:
    try:
        rows = Rows(read_rows(data))
    except ParquetFault as error:
        raise GivenError(f"{where}: {error}") from None
    if not rows:
        raise GivenError(f"{where} has no rows")
    if fault := unwritable(list(rows)):
        raise GivenError(f"{where}: {fault}")
    return rows


def _plain_rows(value: Any) -> Any:
    """The rows as they are sent: one that has one text and nothing else stands for that text."""
    return [_plain(row) for row in value] if isinstance(value, Rows) else value


def _plain(value: Any) -> Any:
    fields = list(value.values()) if isinstance(value, dict) else []
    return fields[0] if len(fields) == 1 and isinstance(fields[0], str) else value


def _picked(where: str, value: Any, column: str) -> list[Any]:
    """The values of one column. Raises GivenError."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise GivenError(f"{where}: is no table and no list of objects, so it has no column {column!r}")
    for number, row in enumerate(value, 1):
        if column not in row:
            raise GivenError(f"{where}: row {number} has no column {column!r}; it has: {', '.join(map(str, row))}")
    return [row[column] for row in value]
