"""Dead letters in this process's memory: jobs that ended without an output, kept for people. Knows no line."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from infra.ledger.memory.job_entry import Entry
from infra.records import Cause, DeadLetter, Outcome


class DeadLetters:
    def __init__(self) -> None:
        self._letters: dict[str, DeadLetter] = {}  # the oldest letter comes first

    def add(self, entry: Entry, outcome: Outcome, now_ms: int) -> None:
        """Add the job, unless its outcome is no failure, or is a failure that makes no dead letter."""
        cause = Cause.of(outcome.failure.kind) if outcome.failure else None
        if outcome.failure and cause:
            self._letters[entry.id] = DeadLetter(
                job_id=entry.id,
                type=entry.job.type,
                cause=cause,
                at_ms=now_ms,
                failure=outcome.failure,
                attempt=outcome.attempt,
                tenant=entry.job.tenant,
            )

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._letters

    def remove(self, job_id: str) -> None:
        self._letters.pop(job_id, None)

    def forget(self, before_ms: int) -> None:
        self._letters = {job_id: letter for job_id, letter in self._letters.items() if letter.at_ms > before_ms}

    def find(self, job_type: str | None, cause: Cause | None, limit: int) -> list[DeadLetter]:
        letters = (
            letter
            for letter in reversed(self._letters.values())
            if job_type in (None, letter.type) and cause in (None, letter.cause)
        )
        return list(islice(letters, limit))

    def counts(self, job_type: str) -> dict[str, int]:
        causes = Counter(letter.cause for letter in self._letters.values() if letter.type == job_type)
        return {cause.value: causes[cause] for cause in Cause}
