"""Tags: words of the caller's own by which goals and jobs are found again. Know no goal."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

MOST_TAGS = 16
TAG = r"^[A-Za-z0-9._:/@+=-]{1,64}$"

Tag = Annotated[str, Field(pattern=TAG)]


def _each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


#: The tags of a goal or job, each once.
Tags = Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS), AfterValidator(_each_once)]
