"""Patterns: the regular expressions of schemas, matched in time linear in the text. Knows no schema.

A pattern that backtracks can take hours over a text of a hundred characters, and texts come from callers. RE2 cannot
backtrack; it has no look-ahead and no back-reference for the same reason. Classes mean what they mean in the grammars
that hold answers: `\\d` and `\\w` are ASCII, `\\s` is every blank of Unicode.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

_BLANKS = r"\t\n\v\f\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_PARTS = re.compile(r"\\u(?P<code>[0-9a-fA-F]{4})|\\(?P<escaped>.)|(?P<open>\[)|(?P<close>\])", re.DOTALL)

_HALF = re.compile("[dD][89abAB]..")  #: of a surrogate pair: no character


class PatternError(ValueError):
    """A pattern that cannot be matched in linear time, or is none."""


def found(pattern: str, text: str) -> bool:
    """Whether `pattern` matches anywhere in `text`; it never does in a text that UTF-8 cannot write.

    Raises PatternError.
    """
    compiled = _compiled(pattern)
    try:
        return compiled.search(text) is not None
    except UnicodeEncodeError:
        return False


def pattern_fault(pattern: Any) -> str | None:
    """Why `pattern` cannot be used, and what to do; None: it can."""
    if not isinstance(pattern, str):
        return "must be a text"
    try:
        _compiled(pattern)
    except PatternError as error:
        return str(error)
    return None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(_in_re2(pattern), options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise PatternError(
            f"pattern {pattern[:80]!r} cannot be matched in linear time ({reason}): write it without look-ahead, "
            "look-behind, back-references and counts above 1000"
        ) from None


def _in_re2(pattern: str) -> str:
    """As RE2 writes it: of JavaScript's escapes it lacks those by four digits, and its blanks are ASCII alone."""
    in_class = False

    def written(part: re.Match[str]) -> str:
        nonlocal in_class
        if part["open"]:
            if in_class:  # there it is a character as any other; RE2 reads `[:` as the name of a class
                return "\\["
            in_class = True
        if part["close"]:
            in_class = False
        elif part["code"] and not _HALF.fullmatch(part["code"]):
            return f"\\x{{{part['code']}}}"
        elif part["escaped"] == "s":
            return _BLANKS if in_class else f"[{_BLANKS}]"
        elif part["escaped"] == "S" and not in_class:
            return f"[^{_BLANKS}]"
        return part[0]

    return _PARTS.sub(written, pattern)
