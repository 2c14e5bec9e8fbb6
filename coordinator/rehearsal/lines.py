"""The lines of a rehearsal's file: what is to be tried, and what came of it. Knows no planner and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from infra.json_lines import Line as RawLine
from infra.json_lines import lines_of
from infra.records import Json, Record


class Line(Record):
    """A goal in words or a plan, to be tried."""

    id: str = Field(min_length=1)
    goal: str | None = None
    plan: Json | None = None
    inputs: Json = Field(default_factory=dict)
    answers: dict[str, list[Json]] = Field(default_factory=dict)  #: job type -> outputs that its stand-in is drawn from

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.goal is None) == (self.plan is None):
            raise PydanticCustomError("one_thing", "give either 'goal' (words) or 'plan'")
        if empty := [name for name, outputs in self.answers.items() if not outputs]:
            raise PydanticCustomError("no_answers", "answers: {name} has none; leave it out", {"name": empty[0]})
        return self


class State(StrEnum):
    SUCCEEDED = "succeeded"  #: it has a result
    FAILED = "failed"  #: no plan that can run, or a job of it failed; `reason` says all that is wrong
    REFUSED = "refused"  #: the planner says that it cannot be done here
    UNSURE = "unsure"  #: the planner asks which plan is meant; none ran


class Rehearsed(Record):
    """What came of a line."""

    id: str
    state: State
    plan: Json | None = None  #: that ran, or would run first
    reason: str | None = None
    confidence: float | None = None  #: the planner's in that plan, 0 to 1; None: it was given
    result: Any = None
    seconds: float | None = None  #: that planning took, without loading the planner; None: nothing was planned


class LineFault(ValueError):
    """A line that cannot be tried; says which file, which line and why."""


def read_lines(file: str, lines: Iterable[bytes], known: Iterable[str]) -> Iterator[Line | LineFault]:
    """The lines that are not empty, in order, each or what is wrong with it. `known`: the job types."""
    seen: set[str] = set()
    types = set(known)
    for raw in lines_of(lines):
        try:
            line = _read(raw, types)
            if line.id in seen:
                raise LineFault(f"another line has the id {line.id!r}")
        except LineFault as fault:
            yield LineFault(f"{file}, line {raw.number}: {fault}")
            continue
        seen.add(line.id)
        yield line


def _read(raw: RawLine, types: set[str]) -> Line:
    """Raises LineFault."""
    value = raw.value
    if raw.fault:
        raise LineFault(raw.fault)
    if not isinstance(value, dict):
        raise LineFault("must be an object with 'id', 'inputs' and 'goal' or 'plan'")
    try:
        line = Line.model_validate(value)
    except ValidationError as error:
        raise LineFault("; ".join(_sentence(each["loc"], each["msg"]) for each in error.errors())) from None
    if unknown := sorted(line.answers.keys() - types):
        raise LineFault(f"answers: no job type {unknown[0]!r}; known: {', '.join(sorted(types))}")
    return line


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message}" if place else message
