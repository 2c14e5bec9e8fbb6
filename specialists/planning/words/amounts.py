"""Amounts: the numbers and dates that a goal states, and its comparisons with them. Knows no field and no model."""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

_NUMBER = re.compile(
    r"(?<![\w.])[-]?\d{1,3}(?:[ ,]\d{3})+(?:\.\d+)?(?![\w])"
    r"|(?<![\w.])-?\d+(?:[.,]\d+)?(?=\s*(?:%|k\b|€|£|\$|[A-Za-z]{1,4}\b)|(?![\w]))"
)
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")
MOST = 12  #: how many numbers and dates of a goal are read, since each is weighed against every field
DIGITS = 15  #: the most characters of a number; longer ones are no amounts
NEAR = 48  #: how many characters before and behind a number may say how it is compared
_WORDS = {
    name: number
    for number, name in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905 - as one reads it
    )
}
_WORDS |= {
    "a dozen": 12,
    "dozen": 12,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "fifty": 50,
    "hundred": 100,
    "both": 2,
}
_ABOVE = re.compile(
    r"\b(over|above|more than|greater than|beyond|exceed\w*|north of|longer than|bigger than|higher than|older than|"
    r"upwards of)\s*$",
    re.I,
)
_BELOW = re.compile(
    r"\b(under|below|less than|fewer than|shorter than|smaller than|lower than|younger than|cheaper than)\s*$", re.I
)
_LEAST = re.compile(r"\b(at least|no less than|not less than|no fewer than|minimum( of)?|from)\s*$", re.I)
_MOST = re.compile(r"\b(at most|no more than|not more than|up to|maximum( of)?|within)\s*$", re.I)
_BEFORE = re.compile(r"\b(before|until|till|prior to|earlier than|up to)\s*(the\s*)?$", re.I)
_AFTER = re.compile(r"\b(after|since|later than|from)\s*(the\s*)?$", re.I)
_TAIL_LEAST = re.compile(r"^\W*(or|and)\s+(more|above|over|up|higher|longer|older|worse)\b(?!\s+than)", re.I)
_TAIL_MOST = re.compile(r"^\W*(or|and)\s+(less|fewer|below|under|shorter|younger)\b(?!\s+than)", re.I)


class Number(NamedTuple):
    value: float | int
    words: str
    operator: str | None  #: as `filter` names it; None if the words around the number say no comparison


def numbers(goal: str) -> list[Number]:
    """The numbers in figures and in words, in order; dates do not count."""
    found: list[tuple[int, Number]] = []
    taken = [match.span() for match in _DATE.finditer(goal)]
    for match in _NUMBER.finditer(goal):
        if any(start <= match.start() < end for start, end in taken) or len(match[0]) > DIGITS:
            continue
        if len(found) >= MOST:
            break
        text = match[0].replace(" ", "")
        value = float(
            text.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text) else text.replace(",", ".")
        )
        found.append((match.start(), Number(_whole(value), match[0], operator_at(goal, *match.span()))))
    for name, number in _WORDS.items():
        matches = islice(re.finditer(rf"\b{name}\b", goal, re.I), MOST)
        found += [(m.start(), Number(number, m[0], operator_at(goal, *m.span()))) for m in matches]
    return [number for _, number in sorted(found, key=lambda each: each[0])][:MOST]


def dates(goal: str) -> list[tuple[str, str | None]]:
    """Each date as the goal writes it, with the operator that the words before it say."""
    found = []
    for match in islice(_DATE.finditer(goal), MOST):
        before = (
            goal[max(0, match.start() - NEAR) : match.start()].replace("€", " ").replace("£", " ").replace("$", " ")
        )
        operator = "before" if _BEFORE.search(before) else "after" if _AFTER.search(before) else None
        found.append((match[0], operator))
    return found


def operator_at(goal: str, start: int, end: int) -> str | None:
    before, behind = goal[max(0, start - NEAR) : start].rstrip("€£$ ") + " ", goal[end : end + NEAR].lstrip("€£$% ")
    before = re.sub(r"\b(eur|usd|gbp|a|the|about|some)\s*$", "", before.rstrip(), flags=re.I)
    if _TAIL_LEAST.search(behind):
        return "at_least"
    if _TAIL_MOST.search(behind):
        return "at_most"
    for operator, pattern in (
        ("at_least", _LEAST), ("at_most", _MOST), ("greater_than", _ABOVE), ("less_than", _BELOW),
    ):  # fmt: skip
        if pattern.search(before):
            return operator
    return None


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value
