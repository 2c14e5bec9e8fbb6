"""A manifest as text: tables put in and taken out, so that comments elsewhere stay. Knows no meaning of any."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

Value = str | int | float


class ManifestTextError(ValueError):
    """A manifest that is written in a way that cannot be changed as text."""


def without(text: str, table: str) -> str:
    """`text` less its table of that name, if it has one; it ends with one line break."""
    found = re.sub(rf"(?m)^\[{re.escape(table)}\][^\n]*\n(?:[^\[\n][^\n]*\n)*\n*", "", text.rstrip("\n") + "\n")
    return found.rstrip("\n") + "\n"


def with_table(text: str, table: str, values: Mapping[str, Value], note: str = "", before: str | None = None) -> str:
    """`text` with the table in place of an earlier one of its name: before table `before`, else at the end.

    Raises ManifestTextError where what comes of it would not read, or say anything else anew.
    """
    said = [f"{name} = {_written(value)}" for name, value in values.items()]
    written = "\n".join([f"[{table}]" + (f"  # {note}" if note else ""), *said]) + "\n"
    kept = without(text, table)
    place = re.search(rf"(?m)^\[{re.escape(before)}\]", kept) if before else None
    changed = f"{kept[: place.start()]}{written}\n{kept[place.start() :]}" if place else f"{kept}\n{written}"
    try:
        wanted, found = tomllib.loads(text) | {table: dict(values)}, tomllib.loads(changed)
    except tomllib.TOMLDecodeError as error:
        raise ManifestTextError(f"[{table}] cannot be put into the manifest: {error}; {ADVICE}") from None
    if found != wanted:
        raise ManifestTextError(f"[{table}] cannot be put into the manifest: other tables would change; {ADVICE}")
    return changed


ADVICE = "write its tables as [name] on lines of their own, without empty lines inside"


def _written(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
