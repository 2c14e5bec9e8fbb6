"""Numbers in values: JSON's own, and texts that hold one (`45,20`, `1,204.50`, `RM 12.90`, `15 %`)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from specialists.functions.fields import need_field, values

_CODES = (
    "EUR USD GBP CHF JPY CNY INR MYR SGD AUD CAD NZD SEK NOK DKK PLN CZK HUF RON BGN TRY RUB UAH ILS AED SAR ZAR BRL "
    "MXN ARS CLP COP KRW THB IDR VND PHP HKD TWD NGN KES EGP RM Rs Rp Kč kr zł Ft"
)
_UNIT = rf"(?:(?:{'|'.join(_CODES.split())})\.?|[A-Z]{{0,3}}[$€£¥₹₩₺₫฿₪₱₦])"
_NUMBER = re.compile(
    rf"(?P<sign>[+\-−]?)\s*(?P<before>{_UNIT})?\s*(?P<inner>[+\-−]?)\s*(?P<digits>[0-9.,](?:[0-9.,'’\s]*[0-9])?)"
    rf"\s*(?P<after>{_UNIT}|%)?"
)
#: How digits are grouped, and the sign that begins the fraction. `1,204` is above a thousand; `1.204` and `0,204` are
#: not.
_FORMS = (
    (re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?"), ",", "."),
    (re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]+"), ".", ","),
    (re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}"), ".", ","),
    (re.compile(r"[1-9][0-9]{0,2}(?:['’\s][0-9]{3})+(?:\.[0-9]+)?"), "'’ ", "."),
    (re.compile(r"[1-9][0-9]{0,2}(?:['’\s][0-9]{3})+,[0-9]+"), "'’ ", ","),
    (re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+"), "", "."),
    (re.compile(r"[0-9]+,[0-9]+|,[0-9]+"), "", ","),
)


class Amount(NamedTuple):
    number: Decimal
    unit: str = ""  #: as it is written: "RM", "€", "%"; "" if there is none


def amount_of(value: Any) -> Amount | None:
    """The number that a JSON value is, or that a text holds; None if there is none. True and false are no numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Amount(Decimal(value))
    if isinstance(value, float):
        return Amount(Decimal(repr(value))) if math.isfinite(value) else None
    return _read(value.strip()) if isinstance(value, str) and len(value) <= 100 else None


def number_of(value: Any) -> Decimal | None:
    found = amount_of(value)
    return found.number if found else None


def numbers_at(items: list[Any], field: str, fault: type[ValueError]) -> list[Decimal]:
    """Every number at `field`. Null and empty texts are passed over.

    It raises `fault` if no item has the field, if another value is no number, or if currencies differ.
    """
    need_field(items, field, fault)
    found = [value for item in items for value in values(item, field) if not is_blank(value)]
    amounts = [amount for amount in map(amount_of, found) if amount]
    if wrong := len(found) - len(amounts):
        raise fault(f"{wrong} of the {len(found)} values of {field!r} are no numbers")
    need_one_unit(amounts, field, fault)
    return [amount.number for amount in amounts]


def need_one_unit(amounts: Iterable[Amount], field: str, fault: type[ValueError]) -> None:
    units = {amount.unit.rstrip(".") for amount in amounts if amount.unit}
    if len(units) > 1:
        raise fault(f"the values of {field!r} are in {len(units)} different currencies or units")


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def as_json(number: Decimal) -> int | float:
    """Return a whole number as an int, any other as a float."""
    return int(number) if number == number.to_integral_value() else float(number)


def _read(text: str) -> Amount | None:
    found = _NUMBER.fullmatch(text)
    if not found or (found["sign"] and found["inner"]) or (found["before"] and found["after"]):
        return None
    for form, groups, point in _FORMS:
        if form.fullmatch(found["digits"]):
            digits = "".join(each for each in found["digits"] if each not in groups and not each.isspace())
            number = Decimal(digits.replace(point, "."))
            negative = (found["sign"] or found["inner"]) in ("-", "−")
            return Amount(-number if negative else number, found["before"] or found["after"] or "")
    return None
