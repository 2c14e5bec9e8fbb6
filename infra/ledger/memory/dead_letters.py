"""Dead letters in this process's memory: jobs that ended without an output, kept for people. Knows no line."""

from __future__ import annotations

from collections import Counter

from infra.ledger.memory.job_entry import Entry
from infra.listing import LetterPage, LetterPlace, LetterQuery
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
                tags=entry.job.tags,
            )

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._letters

    def remove(self, job_id: str) -> None:
        self._letters.pop(job_id, None)

    def forget(self, before_ms: int) -> None:
        self._letters = {job_id: letter for job_id, letter in self._letters.items() if letter.at_ms > before_ms}

    def page(self, query: LetterQuery) -> LetterPage:
        lowest, highest = query.times
        found = [
            letter
            for letter in sorted(self._letters.values(), key=_place, reverse=not query.oldest_first)
            if query.type in (None, letter.type)
            and query.cause in (None, letter.cause)
            and lowest <= letter.at_ms <= highest
            and query.fits(letter)
            and query.is_behind(_place(letter))
        ]
        letters = found[: query.limit]
        return LetterPage(letters, _place(letters[-1]) if len(found) > len(letters) else None)

    def counts(self, job_type: str) -> dict[str, int]:
        causes = Counter(letter.cause for letter in self._letters.values() if letter.type == job_type)
        return {cause.value: causes[cause] for cause in Cause}


def _place(letter: DeadLetter) -> LetterPlace:
    return LetterPlace(letter.at_ms, letter.job_id)
