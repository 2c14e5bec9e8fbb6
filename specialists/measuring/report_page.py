"""A page of titled sections, as Markdown and as HTML. Knows no specialist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

Table = tuple[Sequence[str], Sequence[Sequence[str]]]  #: head, rows


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    table: Table | None = None
    pictures: Sequence[str] = ()  #: files beside the page


def as_markdown(title: str, parts: Sequence[Section]) -> str:
    lines = [f"# {title}", ""]
    for part in parts:
        lines += [f"## {part.title}", "", part.text, ""]
        if part.table and part.table[1]:
            head, rows = part.table
            lines += [_row(head), "|" + " --- |" * len(head), *map(_row, rows), ""]
        lines += [f"![{part.title}]({picture})\n" for picture in part.pictures]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


TEMPLATE = Path(__file__).with_suffix(".html")


def as_html(title: str, parts: Sequence[Section]) -> str:
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return page.from_string(TEMPLATE.read_text("utf-8")).render(title=title, parts=parts)
