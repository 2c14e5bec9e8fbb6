"""A manifest as text: puts tables in and takes them out, while comments and all else stay. Knows no table's meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table


class ManifestTextError(ValueError):
    """The manifest is no TOML."""


def without(text: str, table: str) -> str:
    """Return `text` without its table of that name, if it has one; the result ends with one line break."""
    document = _parsed(text)
    if table in document:
        place = _place(document, table)
        kept = _after_its_keys(document[table]).lstrip("\n")
        document.remove(table)
        document.body[place] = (None, tomlkit.ws(kept))
    return _ended(document.as_string())


def with_table(text: str, table: str, values: Mapping[str, Any], comment: str = "") -> str:
    """Return `text` with the table in an earlier one's place, or at the end. It raises ManifestTextError."""
    document = _parsed(text)
    if not isinstance(document.get(table), Table | None):  # an inline table cannot become a table where it stands
        document.remove(table)
    written = _table(values, comment)
    if table in document:
        written.add(tomlkit.ws(_after_its_keys(document[table])))
        document.body[_place(document, table)] = (tomlkit.key(table), written)
        return _ended(document.as_string())
    parts = [_ended(document.as_string()), tomlkit.document().add(table, written).as_string()]
    return "\n".join(part for part in parts if part.strip())


def _table(values: Mapping[str, Any], comment: str) -> Table:
    """Build a table; a mapping among the values is written on one line."""
    table = tomlkit.table()
    for name, value in values.items():
        if isinstance(value, Mapping):
            inline = tomlkit.inline_table()
            inline.update(value)
            value = inline
        table.add(name, value)
    if comment:
        table.comment(comment)
        table.trivia.comment_ws = "  "
    return table


def _after_its_keys(table: Any) -> str:
    """The empty lines and comments below the table's last key: such a comment mostly belongs to the next table."""
    rest = ""
    for key, item in reversed(table.value.body if isinstance(table, Table) else []):
        if key is not None:
            break
        rest = item.as_string() + rest
    return rest


def _place(document: tomlkit.TOMLDocument, table: str) -> int:
    return next(n for n, (key, _) in enumerate(document.body) if key is not None and key.key == table)


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(_ended(text))
    except TOMLKitError as error:
        raise ManifestTextError(f"the manifest is no TOML: {error}") from None


def _ended(text: str) -> str:
    return text.strip("\n") + "\n"
