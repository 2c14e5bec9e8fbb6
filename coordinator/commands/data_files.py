"""Reads the data files that the command line names. Knows no API.

A file is one text, a list of lines, JSON, JSON Lines or a table. Its name or the caller says which, and nothing is
guessed from its content: a file of several lines is refused if neither says it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coordinator.exits import Reason
from infra.json_lines import STANDARD_INPUT, FileFault, NotJson, json_of, lines_of, read_bytes, text_of
from infra.records import Json

#: A table's delimiter is the one of these that its header has most of.
DELIMITERS = ",;\t|"
FIELD_CHARACTERS = 10_000_000  #: the most characters of a table's field, which is more than a request may have
#: The end of a file's name -> its form. A file with another name must say its form, unless it has only one line.
SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".tsv": "tsv"}
#: The ends of names of files that look like a text, or like none, and hold data in a form that is not read.
UNREAD = frozenset(
    (
        *(".xlsx", ".xls", ".ods", ".docx", ".pdf", ".parquet", ".avro", ".arrow", ".feather", ".sqlite", ".db"),
        *(".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz", ".yaml", ".yml", ".toml"),
    )
)
_LINE_END = re.compile(r"\r\n|\n|\r")  # other line ends, such as U+2028, belong to the text
_QUOTED = re.compile(r'"[^"]*"')


class GivenError(Reason, ValueError):
    """An input cannot be read. The message says which input, where, and what is expected."""


def read_file(where: str, given: str) -> Any:
    """Read a file's data. Raises GivenError.

    `given`: FILE, FORM:FILE, or `-` for standard input; a name that ends in .gz is unpacked. `where`: the beginning of
    each error, such as `--input messages`."""
    form, colon, path = given.partition(":")
    if not colon or form not in _FORMS:
        form, path = "", given
    if not form and (suffix := Path(path.lower().removesuffix(".gz")).suffix) in UNREAD:
        raise GivenError(
            f"{where}: {path}: {suffix} is not read; save it as {', '.join(SUFFIXES)}, or as lines of text"
        )
    text = _text(where, path)
    name = "standard input" if path == STANDARD_INPUT else Path(path).name
    return _FORMS[form or _form_of(where, path, text)](f"{where}: {name}", text)


def read_json(where: str, text: str) -> Any:
    """A JSON value that can be sent on: it has no NaN and no half of a surrogate pair. Raises GivenError."""
    try:
        return json_of(text)
    except NotJson as error:
        raise GivenError(f"{where}: {error}") from None


def _form_of(where: str, path: str, text: str) -> str:
    form = SUFFIXES.get(Path(path.lower().removesuffix(".gz")).suffix)
    if form:
        return form
    if (lines := len(_LINE_END.split(text.strip()))) > 1:
        option, others = where.removeprefix("--input "), sorted(_FORMS.keys() - {"lines", "text"})
        if option.startswith("'@"):
            raise GivenError(f"{where}: {path} has {lines} lines, and no name that says what it is")
        raise GivenError(
            f"{where}: {path} has {lines} lines. For a list of its lines write {option}=@lines:{path}, for one text "
            f"{option}=@text:{path}; it may also be {', '.join(others)}"
        )
    return "text"


def _text(where: str, path: str) -> str:
    try:
        return text_of(read_bytes(path))
    except FileFault as error:
        raise GivenError(f"{where}: {path} {error}") from None


def _one_text(where: str, text: str) -> str:
    if "\0" in text:
        raise GivenError(f"{where}: holds a NUL character: it is no text")
    return text


def _lines(where: str, text: str) -> list[str]:
    found = [line for line in _LINE_END.split(_one_text(where, text)) if line.strip()]
    return found or _nothing(where, "lines")


def _json_lines(where: str, text: str) -> list[Any]:
    """The values of the lines. An object that holds one text and nothing else stands for that text."""
    lines = list(lines_of(text.encode()))
    if wrong := [line for line in lines if line.fault]:
        more = f"; {len(wrong)} of {len(lines)} lines cannot be read" if len(wrong) > 1 else ""
        raise GivenError(f"{where}:{wrong[0].number}: {wrong[0].fault}{more}")
    return [_plain(line.value) for line in lines] or _nothing(where, "lines")


def _plain(value: Any) -> Any:
    fields = list(value.values()) if isinstance(value, dict) else []
    return fields[0] if len(fields) == 1 and isinstance(fields[0], str) else value


def _csv(where: str, text: str) -> list[Any]:
    """The rows of a CSV table. Its delimiter is the one that its header has most of outside of quotes."""
    header = _QUOTED.sub("", _LINE_END.split(text, maxsplit=1)[0])
    return _table(where, text, max(DELIMITERS, key=header.count) if any(map(header.count, DELIMITERS)) else ",")


def _tsv(where: str, text: str) -> list[Any]:
    return _table(where, text, "\t")


def _table(where: str, text: str, delimiter: str) -> list[Any]:
    """An object of texts for each row, by the names in the header. A table of one column gives its texts alone."""
    csv.field_size_limit(FIELD_CHARACTERS)
    reader = csv.reader(io.StringIO(_one_text(where, text), newline=""), delimiter=delimiter, strict=True)
    rows: list[Any] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        if not all(names) or len(set(names)) < len(names):
            raise GivenError(f"{where}:1: a table's first line names its columns, each by a name of its own: {names}")
        for row in reader:
            if len(row) not in (0, len(names)):
                raise GivenError(
                    f"{where}:{reader.line_num}: has {len(row)} fields, the header has {len(names)}: {', '.join(names)}"
                )
            if row:
                rows.append(dict(zip(names, row, strict=True)) if len(names) > 1 else row[0])
    except csv.Error as error:
        raise GivenError(f"{where}:{reader.line_num}: no CSV: {error}") from None
    return rows or _nothing(where, "rows")


def _nothing(where: str, what: str) -> list[Any]:
    raise GivenError(f"{where} has no {what}")


_FORMS: Mapping[str, Callable[[str, str], Any]] = {
    "text": _one_text,
    "lines": _lines,
    "json": read_json,
    "jsonl": _json_lines,
    "csv": _csv,
    "tsv": _tsv,
}


def read_object(option: str, path: Path, what: str) -> Json:
    """The JSON object in a file, whatever the file's name. Raises GivenError."""
    where = f"{option} {path}"
    value = read_json(where, _text(option, str(path)))
    if not isinstance(value, dict):
        raise GivenError(f"{where}: must hold a JSON object {what}")
    return value
