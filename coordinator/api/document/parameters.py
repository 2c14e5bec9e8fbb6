"""Parameters of paths and queries, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from infra.records import Cause, JobState, Priority, RunState

LAST_MS = 10**13  #: in the year 2286

GoalId = Annotated[str, Path(description="The id of the goal.")]
JobId = Annotated[str, Path(description="The id of the job: `<goal>.<step>.<index>`.")]
PlanName = Annotated[
    str, Path(description="The name of the plan: at most 64 letters, digits, dots, dashes and underscores.")
]
TypeName = Annotated[str, Path(description="The name of the job type.")]
LetterType = Annotated[
    str | None, Query(alias="type", min_length=1, max_length=64, description="The job type of the dead letters.")
]
LetterCause = Annotated[Cause | None, Query(description="Why the jobs have no output.")]
Everything = Annotated[bool, Query(alias="all", description="Whether all dead letters are meant.")]
LetterCount = Annotated[int, Query(ge=1, le=1000, description="The most dead letters of the page.")]
LetterFrom = Annotated[
    int | None, Query(ge=0, le=LAST_MS, description="Unix time in milliseconds: only jobs that ended then or later.")
]
LetterTo = Annotated[
    int | None, Query(ge=0, le=LAST_MS, description="Unix time in milliseconds: only jobs that ended then or earlier.")
]
GoalState = Annotated[RunState | None, Query(alias="state", description="Only goals that are in this state now.")]
JobInState = Annotated[JobState | None, Query(alias="state", description="Only jobs that are in this state now.")]
LoadPriority = Annotated[Priority, Query(description="The priority for which the wait is predicted.")]
