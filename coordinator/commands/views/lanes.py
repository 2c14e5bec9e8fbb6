"""The lanes of a drawing: rows of text for each node, with lines from a node to those that use it. Knows no plan."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coordinator.commands.views.nodes import RESULT, Node

WIDE = 88  #: the greatest width of the text beside the lanes, in characters


@dataclass(frozen=True)
class Row:
    """A line of the drawing: its lanes, and the text beside them."""

    lanes: str
    label: str = ""
    text: str = ""
    jobs: str = ""


def rows_of(nodes: Sequence[Node], width: int = WIDE) -> list[Row]:
    """The rows of the drawing. Each node has a lane, which begins at the node and ends where the node is used last.

    `width`: the width of the text beside the lanes.
    """
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
    """The sign with which the lane of an earlier node, `of`, passes the row of `node`."""
    ends = last.get(of.name, -1) <= number
    if of.name in node.uses:
        return "╰" if ends else "├"
    return " " if ends else "│"


def _going_on(of: Node, number: int, last: Mapping[str, int]) -> str:
    return "│" if last.get(of.name, -1) > number else " "


def _joined(lanes: Sequence[str], begins: bool) -> str:
    """The lanes of a row, with a line from the first lane that the node uses to the node.

    The line joins the other lanes that the node uses and crosses the rest. `begins`: whether a new lane begins here.
    """
    first = next((place for place, lane in enumerate(lanes) if lane in "╰├"), len(lanes))
    before = "".join(f"{lane} " for lane in lanes[:first])
    if first == len(lanes):
        return before + "●" if begins else before.rstrip()
    crossed = "".join("─" + _CROSSED[lane] for lane in lanes[first + 1 :])
    return f"{before}{lanes[first]}{crossed}▶" + ("●" if begins else "")


#: The sign of a lane that the line to the node meets.
_CROSSED = {"╰": "┴", "├": "┼", "│": "│", " ": "─"}


def _between(lanes: Sequence[str]) -> str:
    return " ".join(lanes).rstrip()


def _wrapped(lines: Iterable[str], width: int) -> list[str]:
    return [part for line in lines for part in (textwrap.wrap(line, width) or [""])]
