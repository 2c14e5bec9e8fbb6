"""The lines of a rehearsal's file: the goals and plans to try, and their results. Knows no planner; runs nothing."""

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
    """A goal in words or a plan that is to be tried."""

    id: str = Field(min_length=1)
    goal: str | None = None
    plan: Json | None = None
    inputs: Json = Field(default_factory=dict)
    answers: dict[str, list[Json]] = Field(default_factory=dict)  #: job type -> outputs that its stand-in chooses from

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.goal is None) == (self.plan is None):
            raise PydanticCustomError("one_thing", "give either 'goal' (words) or 'plan'")
        if empty := [name for name, outputs in self.answers.items() if not outputs]:
            raise PydanticCustomError("no_answers", "answers: {name} has none; leave it out", {"name": empty[0]})
        return self


class State(StrEnum):
    SUCCEEDED = "succeeded"  #: it has a result
    FAILED = "failed"  #: no plan can run, or a job of the plan failed; `reason` says all that is wrong
    REFUSED = "refused"  #: the planner says that it cannot be done here
    UNSURE = "unsure"  #: the planner asks which plan is meant, and none was run


class Rehearsed(Record):
    """The result of a line."""

    id: str
    state: State
    plan: Json | None = None  #: the plan that ran, or that would run first
    reason: str | None = None
    confidence: float | None = None  #: the planner's confidence in the plan, 0 to 1; None if the line gave the plan
    result: Any = None
    seconds: float | None = None  #: how long planning took after the planner was loaded; None without planning


class LineFault(ValueError):
    """The line cannot be tried. The message names the file, the line and the reason."""


def read_lines(file: str, lines: Iterable[bytes], known: Iterable[str]) -> Iterator[Line | LineFault]:
    """The lines that are not empty, in order; in the place of a wrong one its fault. `known`: the job types."""
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
