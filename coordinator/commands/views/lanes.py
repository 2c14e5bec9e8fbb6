"""The lanes of a drawing: a line of text for each node, with lines from what is used to who uses it. Knows no plan."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordinator.commands.views.nodes import RESULT, Node

WIDE = 88  #: characters of what is said beside the lanes, at most


@dataclass(frozen=True)
class Row:
    """A line of the drawing: its lanes, and what stands beside them."""

    lanes: str
    label: str = ""
    text: str = ""
    jobs: str = ""


def rows_of(nodes: Sequence[Node], width: int = WIDE) -> list[Row]:
    """One lane a node: it begins at the node, and ends where the node is used last. `width`: of what is said beside."""
    last = {name: number for number, node in enumerate(nodes) for name in node.uses}
    rows: list[Row] = []
    for number, node in enumerate(nodes):
        lanes = [_lane(each, node, number, last) for each in nodes[:number]]
        said = _wrapped(node.lines, width)
        rows.append(Row(_joined(lanes, node.name != RESULT), node.label, said[0] if said else "", node.jobs))
        after = [_going_on(each, number, last) for each in nodes[: number + 1]]
        rows += [Row(_between(after), text=line) for line in said[1:]]
    return rows


def _lane(of: Node, node: Node, number: int, last: Mapping[str, int]) -> str:
    """How the lane of an earlier node passes the row of `node`."""
    ends = last.get(of.name, -1) <= number
    if of.name in node.uses:
        return "╰" if ends else "├"
    return " " if ends else "│"


def _going_on(of: Node, number: int, last: Mapping[str, int]) -> str:
    return "│" if last.get(of.name, -1) > number else " "


def _joined(lanes: Sequence[str], begins: bool) -> str:
    """The lanes and, from the first that is used on, a line to the node: it joins those used, and crosses the others.

    `begins`: whether a lane of the node's own begins here.
    """
    first = next((place for place, lane in enumerate(lanes) if lane in "╰├"), len(lanes))
    before = "".join(f"{lane} " for lane in lanes[:first])
    if first == len(lanes):
        return before + "●" if begins else before.rstrip()
    crossed = "".join("─" + _CROSSED[lane] for lane in lanes[first + 1 :])
    return f"{before}{lanes[first]}{crossed}▶" + ("●" if begins else "")


#: A lane to the right of the first one that is used.
_CROSSED = {"╰": "┴", "├": "┼", "│": "│", " ": "─"}


def _between(lanes: Sequence[str]) -> str:
    return " ".join(lanes).rstrip()


def _wrapped(lines: Iterable[str], width: int) -> list[str]:
    return [part for line in lines for part in (textwrap.wrap(line, width) or [""])]
