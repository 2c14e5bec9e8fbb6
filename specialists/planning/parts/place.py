"""A place: the origin of a value in a plan. Knows neither values nor steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """The origin of a value: an input or a job type's output, and the path inside it ("" is the whole)."""

    owner: str  #: an input, as `owner_of` writes it, or the name of an application of a job type
    path: str = ""
