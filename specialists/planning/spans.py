"""What a goal says literally: numbers, quoted words, names, dates. Reads words; knows no model and no plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

_QUOTED = re.compile(r"[\"“”„«»']([^\"“”„«»'\n]{2,60})[\"“”„«»'](?!\w)")
_LONG_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]{8,2000})[\"“”„«»]")
_MARKS = " ?!\"“”„«»'"
_NUMBER = re.compile(
    r"(?<![\w.])[-]?\d{1,3}(?:[ ,]\d{3})+(?:\.\d+)?(?![\w])"
    r"|(?<![\w.])-?\d+(?:[.,]\d+)?(?=\s*(?:%|k\b|€|£|\$|[A-Za-z]{1,4}\b)|(?![\w]))"
)
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")
_NAMED = re.compile(r"\b[A-Z][\w'&.-]*(?:\s+(?:(?:of|de|van|von|&)\s*)?[A-Z0-9][\w'&.-]*)*")
_BEHIND_COLON = re.compile(r":\s+(.{3,})$", re.S)
_CLAUSE_ENDS = re.compile(r"[.,;:!?()\n]| and | but | - ")
_SENTENCE_ENDS = re.compile(r"(?<=[.?!])\s+|\n+")
MOST = 12  #: numbers and dates of a goal that are read: each is weighed against every field
DIGITS = 15  #: of a number; longer ones are no amounts
NEAR = 48  #: characters before and behind a number that say how it is compared
PASSAGE = 3  #: words that a text in a goal has at least
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
_NOT = re.compile(
    r"\b(except\w*|apart from|aside from|other than|rather than|besides|not|without|exclud\w*|anything but|"
    r"everything but|all but|leave out|left out|drop|skip|ignore|minus|neither|nor|never|isnt|arent|dont|doesnt)\b"
    r"|n[’']t\b",
    re.I,
)
_NO_NAMES = """
i i'm i'd i've i'll the a an please could can would which who what where when how why show give tell for
from of in on my our we just only all each every hi hello hey dear thanks ok and but if is are do does
put go run have list sort count keep find make take let as it its this that these those there to by with
at no not any one two three per mr mrs ms dr
"""
_NO_NAME = frozenset(_NO_NAMES.split())


class Number(NamedTuple):
    value: float | int
    words: str
    operator: str | None  #: as `filter` calls it, where the words before or behind it say one


def numbers(goal: str) -> list[Number]:
    """Numbers in figures and in words, in order; dates are none."""
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
    """Dates as written, and the operator that the words before say."""
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


def spans(goal: str) -> list[str]:
    """Words that may be a value to the letter: quoted ones, names, what stands behind a colon."""
    found = [match[1].strip() for match in _QUOTED.finditer(goal)]
    found += _names(goal)
    if (behind := _BEHIND_COLON.search(goal)) and len(behind[1]) <= 120:
        found.append(behind[1].strip(_MARKS))
    return list(dict.fromkeys(found))


def says_not(goal: str) -> bool:
    """Whether it has a word that may turn a selection into that of all others."""
    return bool(_NOT.search(goal))


def quoted(goal: str) -> list[str]:
    """What stands between quotation marks."""
    return list(dict.fromkeys(match[1].strip() for match in _QUOTED.finditer(goal)))


def passages(goal: str) -> list[str]:
    """Texts that the goal itself holds: a long quotation, what stands behind a colon, all but the first sentence or
    the last one."""
    found = [match[1].strip() for match in _LONG_QUOTED.finditer(goal)]
    if behind := _BEHIND_COLON.search(goal):
        found.append(behind[1].strip(_MARKS))
    sentences = [each for each in _SENTENCE_ENDS.split(goal.strip()) if each]
    if len(sentences) > 1:
        joined = goal.strip()
        found += [joined[len(sentences[0]) :].strip(_MARKS + "."), joined[: -len(sentences[-1])].strip(_MARKS)]
    return [each for each in dict.fromkeys(found) if len(each.split()) >= PASSAGE]


def _names(goal: str) -> Iterator[str]:
    for match in _NAMED.finditer(goal):
        words = match[0].strip(" .'-&").split()
        while words and words[0].casefold().strip(".,'") in _NO_NAME:
            words = words[1:]
        name = " ".join(words).removesuffix("'s").removesuffix("’s")
        if len(name) > 1 and name.casefold() not in _NO_NAME:
            yield name


def phrases(goal: str, most: int = 24) -> list[str]:
    """Runs of one to three words that say something, in order: what a short text that the goal says may be."""
    found: dict[str, None] = {}
    for clause in _CLAUSE_ENDS.split(goal):
        run: list[str] = []
        for word in clause.split():
            bare = word.strip(_MARKS + ".,;:()")
            if not bare or bare.casefold() in _NO_NAME or len(bare) < 3 or bare[0].isdigit():
                run = []
                continue
            run = [*run[-2:], bare]
            found |= {" ".join(run[-size:]): None for size in range(1, len(run) + 1)}
    return list(found)[:most]


def around(goal: str, words: str, size: int = 4) -> str:
    """The words of the goal on either side of the first place where it says `words`; "" where it does not."""
    found = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", goal, re.I)
    if not words or not found:
        return ""
    before, behind = goal[: found.start()].split()[-size:], goal[found.end() :].split()[:size]
    return " ".join([*before, *found[0].split(), *behind])


def windows(goal: str, size: int = 5) -> list[str]:
    """Overlapping pieces of the goal, by clause: where in it a value may be meant."""
    found = [goal]
    for clause in _CLAUSE_ENDS.split(goal):
        words = clause.split()
        if not words:
            continue
        if len(words) <= size + 2:
            found.append(" ".join(words))
            continue
        found += [" ".join(words[at : at + size]) for at in range(0, len(words) - 2, max(1, size // 2))]
    return list(dict.fromkeys(found))[:24]


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value
