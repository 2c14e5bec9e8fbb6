"""Lists: which runs and dead letters are asked for, and the pages that the ledger answers. Knows no ledger.

Each entry of a list has a place that never changes. A page begins behind the place where the last one ended, so that
what arrives, ends or is forgotten meanwhile makes no other entry come twice or not at all.
"""

from __future__ import annotations

from typing import NamedTuple

from infra.records import Cause, DeadLetter, Record, RunRecord

#: The most entries that are looked at for one page. So a page that leaves most of them out may come back short.
LOOKS = 1_000
LAST_PLACE = 2**53 - 1  #: Redis keeps places as doubles, and a double is exact up to here


class RunQuery(Record):
    lists: tuple[str, ...] = ()  #: as `RunRecord.in_lists` says; a run must be in each of them
    after: int | None = None  #: the place behind which the page begins; None: at the beginning
    oldest_first: bool = False
    since_ms: int | None = None  #: only runs that were created at this time or later, by the clock of the ledger
    until_ms: int | None = None  #: only runs that were created at this time or earlier
    limit: int = 50

    @property
    def places(self) -> tuple[int, int]:
        """The lowest and the highest place that a run of the page may have."""
        lowest = 0 if self.since_ms is None else 1000 * self.since_ms
        highest = LAST_PLACE if self.until_ms is None else 1000 * self.until_ms + 999
        if self.after is None:
            return lowest, highest
        if self.oldest_first:
            return max(lowest, self.after + 1), highest
        return lowest, min(highest, self.after - 1)


class ListedRun(NamedTuple):
    place: int  #: grows from run to run: microseconds when it was created, by the clock of the ledger
    run: RunRecord


class RunPage(NamedTuple):
    runs: list[ListedRun]
    next: int | None  #: the place behind which the next page begins; None: there are no more


class LetterPlace(NamedTuple):
    at_ms: int
    job_id: str


class LetterQuery(Record):
    type: str | None = None
    cause: Cause | None = None
    tenant: str | None = None
    tags: tuple[str, ...] = ()  #: a letter must have each of them
    after: LetterPlace | None = None
    oldest_first: bool = False
    since_ms: int | None = None  #: only jobs that ended at this time or later
    until_ms: int | None = None
    limit: int = 100

    @property
    def picks(self) -> bool:
        """Whether some letters of its types, causes and times are left out."""
        return self.tenant is not None or bool(self.tags)

    @property
    def times(self) -> tuple[int, int]:
        """The lowest and the highest time at which a job of the page may have ended."""
        return self.since_ms or 0, LAST_PLACE if self.until_ms is None else self.until_ms

    def is_behind(self, place: LetterPlace) -> bool:
        """Whether the place is behind that at which the last page ended."""
        return self.after is None or (place > self.after if self.oldest_first else place < self.after)

    def fits(self, letter: DeadLetter) -> bool:
        """Whether the letter is of the tenant, and has the tags."""
        return self.tenant in (None, letter.tenant) and set(self.tags) <= set(letter.tags)


class LetterPage(NamedTuple):
    letters: list[DeadLetter]
    next: LetterPlace | None


def tenant_list(tenant: str) -> str:
    return f"tenant:{tenant}"


def type_list(job_type: str) -> str:
    return f"type:{job_type}"


def tag_list(tag: str) -> str:
    return f"tag:{tag}"
