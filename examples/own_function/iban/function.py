"""`iban`: whether a text is the number of a bank account, by its form and its check digits (ISO 13616)."""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]

#: A country, two check digits, and the account in that country.
FORM = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def iban(input: Json) -> Json:
    """Spaces do not count, and small letters stand for large ones."""
    number = "".join(input["text"].split()).upper()
    if not FORM.fullmatch(number):
        return {"valid": False, "fault": "form"}
    digits = "".join(str(int(character, 36)) for character in number[4:] + number[:4])  # A is 10, Z is 35
    valid = int(digits) % 97 == 1
    return {"valid": valid, "fault": "none" if valid else "check_digits"}
