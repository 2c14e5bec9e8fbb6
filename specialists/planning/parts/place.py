"""A place: where a value of a plan is from. Knows neither values nor steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a value is from: an input or what a job type gives, and the path inside it ("": the whole)."""

    owner: str  #: an input's, as `owner_of` says it, or the name of a job type's application
    path: str = ""
