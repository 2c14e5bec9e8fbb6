"""How far a step is: counts and which of its jobs have ended. Knows no outputs; those are in the ledger."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from infra.records import Record


class StepState(StrEnum):
    WAITING = "waiting"  #: for steps that it needs
    RELEASED = "released"  #: its jobs are in the ledger
    DONE = "done"  #: each of its jobs has an output, or was skipped
    FAILED = "failed"  #: a job failed, or its arguments have no values


def _read_bits(value: object) -> object:
    return int(value, 16) if isinstance(value, str) else value


#: Hex in JSON: a decimal number of so many digits is slow to write, and more than most readers take.
Bits = Annotated[int, BeforeValidator(_read_bits), PlainSerializer(lambda bits: f"{bits:x}", str, when_used="json")]


class Progress(Record):
    state: StepState = StepState.WAITING
    total: int = Field(default=0, ge=0)  #: jobs
    succeeded: int = Field(default=0, ge=0)
    skipped: int = Field(default=0, ge=0)  #: failed, where the step says that this is no matter
    #: One bit a job that has ended: an outcome that is handed out twice counts once. The record of 10,000 jobs has
    #: 2.5 kB of it while the step runs, and nothing after.
    seen: Bits = 0

    def released(self, total: int) -> Progress:
        state = StepState.RELEASED if total else StepState.DONE
        return self.model_copy(update={"state": state, "total": total})

    def awaits(self, index: int) -> bool:
        """Whether the job at `index` has not ended yet, as far as this record knows."""
        return self.state is StepState.RELEASED and 0 <= index < self.total and not self.seen >> index & 1

    def ended(self, index: int, skipped: bool = False) -> Progress:
        """With the job at `index` ended; done once all are."""
        counted = {"skipped": self.skipped + 1} if skipped else {"succeeded": self.succeeded + 1}
        done = self.succeeded + self.skipped + 1 == self.total
        seen = 0 if done else self.seen | 1 << index
        state = StepState.DONE if done else self.state
        return self.model_copy(update={**counted, "seen": seen, "state": state})

    def failed(self) -> Progress:
        return self.model_copy(update={"state": StepState.FAILED, "seen": 0})
