"""Job types: whether they are open, and how much waits of each. Knows no single job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from infra.records import Load, TypeState


class TypeStates(Protocol):
    """Which job types are paused or draining."""

    def type_states(self) -> dict[str, TypeState]:
        """The states of the types that are not open."""


class TypeSwitch(TypeStates, Protocol):
    """Job types opened, paused and drained by an operator."""

    def set_type_state(self, job_type: str, state: TypeState) -> None:
        """Open, pause or drain a job type. It takes effect with the next job; jobs that run end as they would."""


class JobCounts(Protocol):
    """How many jobs of each type are where."""

    def depths(self, job_types: Sequence[str] = ()) -> dict[str, dict[str, int]]:
        """Job type -> number of its jobs, by where they are; of `job_types`, or of all that ever had a job.

        The places are "pending", "ready", "sent" and "running", and for dead letters their causes: "poison", "failed"
        and "unprocessable". "oldest_ms" says for how long the oldest job that is ready or sent has waited to be
        claimed; it is 0 if there is none. Of the ready jobs, the foremost of each class and tenant are looked at.
        """


class TypeLoads(Protocol):
    """What waits of each type, and how fast it goes. Admission uses it."""

    def loads(self, job_types: Sequence[str]) -> dict[str, Load]:
        """The load of each of `job_types`; a type that never had a job has nothing waiting."""
