"""Draws texts that match a simple regular expression. Knows no schema.

An expression is simple if it has only literals, classes, groups, choices and repeats.
"""

from __future__ import annotations

import string
from collections.abc import Callable

from coordinator.rehearsal.draw import Draw

Write = Callable[[Draw], str]

_CLASSES = {"d": string.digits, "w": string.ascii_lowercase + string.digits + "_", "s": " "}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
#: The characters that a dot or a negated class is drawn from.
_ANY = string.ascii_lowercase + string.ascii_uppercase + string.digits + " -_.,:;/+"
_REPEATS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class NotSimple(ValueError):
    """The expression is not simple: it looks around, refers back, or does not parse."""


def text_of(pattern: str, draw: Draw, extra: range = range(3)) -> str:
    """Draw a text that `pattern` matches as a whole. Raises NotSimple.

    A part that may repeat occurs more often than it must by one number of `extra`, which is drawn. The caller must
    check the text, as word boundaries and anchors inside the pattern are ignored.
    """
    reader = _Reader(pattern, extra)
    write = reader.choice()
    if reader.left():
        raise NotSimple(f"{reader.left()[0]!r} closes nothing")
    return write(draw)


class _Reader:
    """Reads the expression once, from left to right, and makes functions of it that write texts."""

    def __init__(self, pattern: str, extra: range) -> None:
        self._pattern = pattern
        self._extra = extra
        self._at = 0

    def left(self) -> str:
        return self._pattern[self._at :]

    def choice(self) -> Write:
        branches = [self._sequence()]
        while self._takes("|"):
            branches.append(self._sequence())
        return lambda draw: draw.one_of(branches)(draw.at("branch"))

    def _sequence(self) -> Write:
        parts: list[Write] = []
        while self.left() and self.left()[0] not in "|)":
            parts.append(self._repeated(self._atom()))
        return lambda draw: "".join(part(draw.at(number)) for number, part in enumerate(parts))

    def _atom(self) -> Write:
        match self._next():
            case "(":
                return self._group()
            case "[":
                return _drawn_from(self._members())
            case "\\":
                return self._escaped()
            case ".":
                return _drawn_from(_ANY)
            case "^" | "$":
                return lambda _: ""
            case "*" | "+" | "?" | "{" as sign:
                raise NotSimple(f"{sign!r} repeats nothing")
            case literal:
                return lambda _: literal

    def _group(self) -> Write:
        if self._takes("?") and not self._takes(":"):
            raise NotSimple("a group that looks around, or has a name or flags")
        inner = self.choice()
        if not self._takes(")"):
            raise NotSimple("a group does not end")
        return inner

    def _escaped(self) -> Write:
        sign = self._next()
        if sign.isdigit():
            raise NotSimple("it refers back")
        if sign in "bBAZ":
            return lambda _: ""
        return _drawn_from(_members_of(sign))

    def _members(self) -> str:
        """Read the members of a class, behind its `[`."""
        negated, members = self._takes("^"), ""
        while not members or not self._takes("]"):
            first = self._member()
            if len(first) == 1 and self.left()[:1] == "-" and self.left()[1:2] not in ("", "]"):
                self._next()
                last = self._member()
                if len(last) != 1 or last < first:
                    raise NotSimple(f"no range from {first!r} to {last!r}")
                members += "".join(map(chr, range(ord(first), min(ord(last), ord(first) + 255) + 1)))
            else:
                members += first
        return "".join(each for each in _ANY if each not in members) if negated else members

    def _member(self) -> str:
        sign = self._next()
        return _members_of(self._next()) if sign == "\\" else sign

    def _repeated(self, write: Write) -> Write:
        least, most = self._times()
        if (least, most) == (1, 1):
            return write
        times = [least + more if most is None else min(most, least + more) for more in self._extra]
        return lambda draw: "".join(write(draw.at(n)) for n in range(draw.at("times").one_of(times)))

    def _times(self) -> tuple[int, int | None]:
        sign = self.left()[:1]
        if sign in _REPEATS:
            self._next()
            times: tuple[int, int | None] = _REPEATS[sign]
        elif sign == "{":
            times = self._counts()
        else:
            return 1, 1
        self._takes("?")  # a lazy repeat matches the same texts as a greedy one
        return times

    def _counts(self) -> tuple[int, int | None]:
        said, closed, _ = self.left()[1:].partition("}")
        least, comma, most = said.partition(",")
        if not closed or not least.isdecimal() or (most and not most.isdecimal()):
            raise NotSimple(f"{{{said[:20]} is no number of times")
        self._at += len(said) + 2
        if not comma:
            return int(least), int(least)
        if most and int(most) < int(least):
            raise NotSimple(f"{{{said}}} is no number of times")
        return int(least), int(most) if most else None

    def _next(self) -> str:
        if not self.left():
            raise NotSimple("it ends too soon")
        self._at += 1
        return self._pattern[self._at - 1]

    def _takes(self, sign: str) -> bool:
        if self.left()[:1] != sign:
            return False
        self._at += 1
        return True


def _members_of(sign: str) -> str:
    """The characters that an escaped `sign` stands for."""
    if sign in "DWS":
        return "".join(each for each in _ANY if each not in _CLASSES[sign.lower()])
    if sign in _CLASSES or sign in _CONTROLS:
        return _CLASSES.get(sign) or _CONTROLS[sign]
    if sign.isalpha():
        raise NotSimple(f"\\{sign} is not known here")
    return sign


def _drawn_from(members: str) -> Write:
    if not members:
        raise NotSimple("a class that nothing is in")
    return lambda draw: draw.one_of(members)
