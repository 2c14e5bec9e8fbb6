"""The forms of data files, each with its reader. Know no file: a reader gets the text of one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from coordinator.exits import Reason
from infra.json_lines import NotJson, json_of, lines_of

#: A table's delimiter is the one of these that its header has most of.
DELIMITERS = ",;\t|"
FIELD_CHARACTERS = 10_000_000  #: the most characters of a table's field, which is more than a request may have
LINE_END = re.compile(r"\r\n|\n|\r")  # other line ends, such as U+2028, belong to the text
_QUOTED = re.compile(r'"[^"]*"')


class GivenError(Reason, ValueError):
    """An input cannot be read. The message says which input, where, and what is expected."""


class Rows(list[Any]):
    """The rows of a table, or the values of JSON Lines."""


def read_json(where: str, text: str) -> Any:
    """A JSON value that can be sent on: it has no NaN and no half of a surrogate pair. Raises GivenError."""
    try:
        return json_of(text)
    except NotJson as error:
        raise GivenError(f"{where}: {error}") from None


def _one_text(where: str, text: str) -> str:
    if "\0" in text:
        raise GivenError(f"{where}: holds a NUL character: it is no text")
    return text


def _lines(where: str, text: str) -> list[str]:
    found = [line for line in LINE_END.split(_one_text(where, text)) if line.strip()]
    return found or _nothing(where, "lines")


def _json_lines(where: str, text: str) -> list[Any]:
    lines = list(lines_of(text.encode()))
    if wrong := [line for line in lines if line.fault]:
        more = f"; {len(wrong)} of {len(lines)} lines cannot be read" if len(wrong) > 1 else ""
        raise GivenError(f"{where}:{wrong[0].number}: {wrong[0].fault}{more}")
    return Rows(line.value for line in lines) or _nothing(where, "lines")


def _csv(where: str, text: str) -> list[Any]:
    """The rows of a CSV table. Its delimiter is the one that its header has most of outside of quotes."""
    header = _QUOTED.sub("", LINE_END.split(text, maxsplit=1)[0])
    return _table(where, text, max(DELIMITERS, key=header.count) if any(map(header.count, DELIMITERS)) else ",")


def _tsv(where: str, text: str) -> list[Any]:
    return _table(where, text, "\t")


def _table(where: str, text: str, delimiter: str) -> list[Any]:
    """An object of texts for each row, by the names in the header."""
    csv.field_size_limit(FIELD_CHARACTERS)
    reader = csv.reader(io.StringIO(_one_text(where, text), newline=""), delimiter=delimiter, strict=True)
    rows = Rows()
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
                rows.append(dict(zip(names, row, strict=True)))
    except csv.Error as error:
        raise GivenError(f"{where}:{reader.line_num}: no CSV: {error}") from None
    return rows or _nothing(where, "rows")


def _nothing(where: str, what: str) -> list[Any]:
    raise GivenError(f"{where} has no {what}")


#: The forms that are text.
FORMS: Mapping[str, Callable[[str, str], Any]] = {
    "text": _one_text,
    "lines": _lines,
    "json": read_json,
    "jsonl": _json_lines,
    "csv": _csv,
    "tsv": _tsv,
}
