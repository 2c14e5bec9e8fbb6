"""Dead letters: jobs that ended without an output, kept for people. Knows no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from infra.listing import LetterPage, LetterQuery
from infra.records import Cause, DeadLetter


class DeadLetterStore(Protocol):
    """Dead letters, listed and purged."""

    def dead_letters(
        self, job_type: str | None = None, cause: Cause | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        """The newest first, of one or all types and causes. Raises ValueError if `limit` is not above 0."""

    def list_letters(self, query: LetterQuery) -> LetterPage:
        """A page of letters in the order in which their jobs ended. It may come back short as that of `list_runs`.

        Raises ValueError if the limit is not above 0.
        """

    def purge(self, job_ids: Sequence[str]) -> int:
        """Forget dead letters, with all that is kept of their jobs; returns how many there were.

        While its run goes on, the ledger still remembers that such a job has ended, so that it is not made anew.
        """
