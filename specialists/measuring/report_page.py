"""A page of titled sections, as Markdown and as HTML. Knows no specialist."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

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


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #e5e7eb }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #f3f4f6; vertical-align: top }
td:last-child { white-space: nowrap }
th { color: #6b7280; font-weight: 600 } img { max-width: 100% } p { max-width: 48rem }
"""


def as_html(title: str, parts: Sequence[Section]) -> str:
    body = "\n".join(_section(part) for part in parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def _section(part: Section) -> str:
    found = [f"<h2>{html.escape(part.title)}</h2>", f"<p>{html.escape(part.text)}</p>"]
    if part.table and part.table[1]:
        head, rows = part.table
        found.append(f"<table><tr>{_cells(head, 'th')}</tr>")
        found += [f"<tr>{_cells(row, 'td')}</tr>" for row in rows]
        found.append("</table>")
    found += [f'<p><img src="{html.escape(name)}" alt="{html.escape(part.title)}"></p>' for name in part.pictures]
    return "\n".join(found)


def _cells(cells: Sequence[str], tag: str) -> str:
    return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
