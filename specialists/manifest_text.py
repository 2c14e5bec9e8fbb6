"""A manifest as text: tables put in and taken out, so that comments elsewhere stay. Knows no meaning of any."""

from __future__ import annotations

import re


def without(text: str, table: str) -> str:
    """`text` less its table of that name, if it has one; it ends with one line break."""
    found = re.sub(rf"\[{re.escape(table)}\][^\n]*\n(?:[^\[\n][^\n]*\n)*\n*", "", text)
    return found.rstrip("\n") + "\n"
