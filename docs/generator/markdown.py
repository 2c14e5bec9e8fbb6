"""Markdown: tables and code, with what would break them escaped. Knows nothing of what they say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """One line a row; empty where there are no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(head), _row(["---"] * len(head)), *lines, ""]) if lines else ""


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def page(title: str, *parts: str) -> str:
    return section(f"# {title}", *parts) + "\n"


def section(*parts: str) -> str:
    """Parts that are empty are left out."""
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
