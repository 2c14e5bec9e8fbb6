"""Dates in texts: ISO 8601, 31/12/2026, 31.12.26, 31 Dec 2026, Dec 31, 2026; a time may follow.

In 03/04/2026 the day is first, unless another date beside it can only have the month first. Knows no function.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = re.compile(
    r"[T,\s]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})")
_YEAR_LAST = re.compile(r"(?P<one>\d{1,2})([-/.])(?P<two>\d{1,2})\2(?P<year>\d{4}|\d{2})(?!\d)")
_WEEKDAY = r"(?:[A-Za-z]{3,9},?\s+)?"
_DAY_NAMED = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?[\s-]+(?P<name>[A-Za-z]{{3,9}})\.?,?[\s-]+(?P<year>\d{{4}}|\d{{2}})(?!\d)"
)
_NAME_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<name>[A-Za-z]{{3,9}})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})"
)


class Moment(NamedTuple):
    day: date
    at: datetime | None = None  #: without a zone; UTC if the text names a zone; None if the text has the day alone

    def order(self) -> datetime:
        return self.at or datetime.combine(self.day, time())

    def is_before(self, bound: Moment) -> bool:
        """Whether it is earlier than `bound`; a bound without a time is compared by its day."""
        return self.order() < bound.at if bound.at else self.day < bound.day

    def is_after(self, bound: Moment) -> bool:
        return self.order() > bound.at if bound.at else self.day > bound.day


def moment_of(value: Any, day_first: bool = True) -> Moment | None:
    """The date that the text is, or None if it is no date."""
    if not isinstance(value, str) or len(value) > 100:
        return None
    text = value.strip()
    for form in (_YEAR_FIRST, _YEAR_LAST, _DAY_NAMED, _NAME_FIRST):
        if found := form.match(text):
            day = _day(found.groupdict(), day_first)
            return _at(day, text[found.end() :]) if day else None
    return None


def is_day_first(texts: Iterable[Any]) -> bool:
    """Whether one field's dates have the day first; false if one must have the month first and none the day."""
    found = [each for text in texts if isinstance(text, str) and (each := _YEAR_LAST.match(text.strip()))]
    month_first = any(int(each["two"]) > 12 for each in found)
    return not month_first or any(int(each["one"]) > 12 for each in found)


def _day(found: dict[str, str | None], day_first: bool) -> date | None:
    year = int(found["year"] or 0)
    if len(found["year"] or "") == 2:
        year += 2000 if year < 70 else 1900
    if found.get("one"):
        first, second = int(found["one"] or 0), int(found["two"] or 0)
        swap = second > 12 or not (day_first or first > 12)
        day, month = (second, first) if swap else (first, second)
    else:
        name = found.get("name")
        month = _month(name) if name else int(found["month"] or 0)
        day = int(found["day"] or 0)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    """The number of the month, 1 to 12, or 0 if the word is no month."""
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _at(day: date, rest: str) -> Moment | None:
    if not rest.strip():
        return Moment(day)
    found = _TIME.fullmatch(rest.rstrip())
    if not found:
        return None
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    try:
        moment = datetime.combine(day, time(hour, minute, second))
        return Moment(day, _in_utc(moment, found["zone"]))
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: datetime, zone: str | None) -> datetime:
    if zone is None or zone == "Z":
        return moment
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    here = timezone(-offset if zone[0] == "-" else offset)
    return moment.replace(tzinfo=here).astimezone(UTC).replace(tzinfo=None)
