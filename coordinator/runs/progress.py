"""The progress of a step: counts, and which of its jobs have ended. Knows no outputs; the ledger has them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, PlainSerializer

from infra.records import Provenance, Record


class StepState(StrEnum):
    WAITING = "waiting"  #: steps that it needs are not done
    RELEASED = "released"  #: its jobs are in the ledger
    DONE = "done"  #: its value is there
    FAILED = "failed"  #: too many jobs failed, or its arguments have no values


def _read_bits(value: object) -> object:
    return int(value, 16) if isinstance(value, str) else value


#: A bit set, written as hex in JSON: a decimal number with as many digits is slow to write, and most readers refuse it.
Bits = Annotated[int, BeforeValidator(_read_bits), PlainSerializer(lambda bits: f"{bits:x}", str, when_used="json")]


#: How many places without an output are kept with their reasons for each step. All of them are counted.
TOLD = 20
LONGEST_REASON = 300


class LeftOut(Record):
    """A place of a step's value that has no output of its own."""

    index: int
    why: str  #: the reason, which quotes nothing of an input


class Progress(Record, validate_by_name=True):
    state: StepState = StepState.WAITING
    total: int = Field(default=0, ge=0)  #: the number of jobs
    succeeded: int = Field(default=0, ge=0)
    skipped: int = Field(default=0, ge=0)  #: jobs that failed, and whose places are null
    defaulted: int = Field(default=0, ge=0)  #: jobs without an output, whose places have the step's default
    #: One bit for each job that has ended, so that an outcome that is handed out twice counts once. For 10,000 jobs it
    #: takes 2.5 kB of the record while the step runs, and nothing after that. In a step that waits, the bits stand for
    #: outputs of an earlier round.
    seen: Bits = 0
    fallbacks: int = Field(
        default=0, ge=0, validation_alias=AliasChoices("fallbacks", "escalated")
    )  #: the number of jobs whose fallback was asked
    asked: Bits = 0  #: one bit for each job whose fallback was asked, while the step runs
    fallback: str | None = None  #: the fallback that was asked; it is kept because job types may change
    answered: dict[str, int] = Field(default_factory=dict)  #: `triage@1.0.0` -> the number of its outputs
    guessed: int = Field(default=0, ge=0)  #: outputs of a model that was never trained for its job type
    left_out: tuple[LeftOut, ...] = ()  #: the first of the skipped and defaulted jobs to end

    @staticmethod
    def keeping(outputs: Iterable[int]) -> Progress:
        """The progress of a step that waits but has the outputs of some of its jobs already."""
        kept = list(outputs)
        return Progress(succeeded=len(kept), seen=sum(1 << index for index in kept))

    @property
    def left(self) -> int:
        """The number of jobs that have not ended. In a step that is done, these were cancelled as not needed."""
        return self.total - self.succeeded - self.skipped - self.defaulted

    def open(self) -> list[int]:
        """The indexes of the jobs that have not ended."""
        bits = f"{self.seen:0{self.total}b}"[::-1]
        return [index for index in range(self.total) if bits[index] == "0"]

    def released(self, total: int) -> Progress:
        return self.model_copy(update={"state": StepState.RELEASED, "total": total})

    def awaits(self, index: int, of_fallback: bool = False) -> bool:
        """Whether the job at `index`, or with `of_fallback` that of its fallback, is still to end, by this record."""
        released = self.state is StepState.RELEASED and 0 <= index < self.total and not self.seen >> index & 1
        return released and self.has_asked(index) == of_fallback

    def has_asked(self, index: int) -> bool:
        """Whether the fallback of the job at `index` was asked, and the step is not done."""
        return bool(self.asked >> index & 1)

    def settles(self, index: int, of_fallback: bool) -> bool:
        """Whether an outcome can be counted or ignored by now, because the release of its job is saved."""
        if of_fallback and self.state is StepState.RELEASED:
            return bool((self.seen | self.asked) >> index & 1)
        return self.state is not StepState.WAITING

    def asking_fallback(self, index: int, fallback: str) -> Progress:
        told = {"fallbacks": self.fallbacks + 1, "asked": self.asked | 1 << index, "fallback": fallback}
        return self.model_copy(update=told)

    def counted(self, index: int, how: Literal["succeeded", "skipped", "defaulted"]) -> Progress:
        return self.model_copy(update={how: getattr(self, how) + 1, "seen": self.seen | 1 << index})

    def leaving_out(self, index: int, how: Literal["skipped", "defaulted"], why: str) -> Progress:
        """The progress when the job at `index` has no output and the step goes on."""
        told = (*self.left_out, LeftOut(index=index, why=why[:LONGEST_REASON]))[:TOLD]
        return self.counted(index, how).model_copy(update={"left_out": told})

    def answered_by(self, provenance: Provenance) -> Progress:
        name = provenance.specialist
        counts = {**self.answered, name: self.answered.get(name, 0) + 1}
        return self.model_copy(update={"answered": counts, "guessed": self.guessed + (not provenance.trained)})

    def done(self) -> Progress:
        return self.model_copy(update={"state": StepState.DONE, "seen": 0, "asked": 0})

    def failed(self) -> Progress:
        return self.model_copy(update={"state": StepState.FAILED, "seen": 0, "asked": 0})
