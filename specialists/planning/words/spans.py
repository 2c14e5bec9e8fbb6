"""Spans: quoted words, names, phrases and pieces of a goal; each may be a value. Knows no field and no model."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(r"[\"“”„«»']([^\"“”„«»'\n]{2,60})[\"“”„«»'](?!\w)")
_LONG_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»]{8,2000})[\"“”„«»]")
_MARKS = " ?!\"“”„«»'"
_NAMED = re.compile(r"\b[A-Z][\w'&.-]*(?:\s+(?:(?:of|de|van|von|&)\s*)?[A-Z0-9][\w'&.-]*)*")
_BEHIND_COLON = re.compile(r":\s+(.{3,})$", re.S)
_CLAUSE_ENDS = re.compile(r"[.,;:!?()\n]| and | but | - ")
_SENTENCE_ENDS = re.compile(r"(?<=[.?!])\s+|\n+")
PASSAGE = 3  #: the fewest words of a passage
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


def spans(goal: str) -> list[str]:
    """Words that may be a value exactly as written: quotations, names, and the text behind a colon."""
    found = [match[1].strip() for match in _QUOTED.finditer(goal)]
    found += _names(goal)
    if (behind := _BEHIND_COLON.search(goal)) and len(behind[1]) <= 120:
        found.append(behind[1].strip(_MARKS))
    return list(dict.fromkeys(found))


def says_not(goal: str) -> bool:
    """Whether the goal has a word that may negate a selection."""
    return bool(_NOT.search(goal))


def quoted(goal: str) -> list[str]:
    """The texts between quotation marks."""
    return list(dict.fromkeys(match[1].strip() for match in _QUOTED.finditer(goal)))


def passages(goal: str) -> list[str]:
    """Texts that the goal holds: a long quotation, the text behind a colon, all but its first or its last sentence."""
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
    """Runs of one to three words without filler words, in order; each may be a short text value."""
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
    """The words around the first place where the goal says `words`, these included; "" if it does not say them."""
    found = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", goal, re.I)
    if not words or not found:
        return ""
    before, behind = goal[: found.start()].split()[-size:], goal[found.end() :].split()[:size]
    return " ".join([*before, *found[0].split(), *behind])


def windows(goal: str, size: int = 5) -> list[str]:
    """The whole goal and overlapping pieces of its clauses, each of which may mean a value."""
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
