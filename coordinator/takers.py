"""The workers that take bundles, by job type, as the ledger's roster lists them. Knows no job."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from infra.ledger.protocols.workers import WorkerRoster
from infra.records import Json

LOOK_S = 1.0  #: the roster is read at most this often


class Takers:
    def __init__(self, roster: WorkerRoster) -> None:
        self._roster = roster
        self._found: Mapping[str, int] = {}
        self._look_at = 0.0  #: `time.monotonic()` of the next look

    def by_type(self) -> Mapping[str, int]:
        """Raises LedgerUnavailable."""
        now = time.monotonic()
        if now >= self._look_at:
            self._found, self._look_at = takers(self._roster.workers()), now + LOOK_S
        return self._found


def takers(workers: Mapping[str, Json]) -> dict[str, int]:
    """How many workers serve each job type of which all workers take bundles.

    A worker of a release without bundles cannot read one, so its job types have none while it is alive.
    """
    served = Counter(job_type for about in workers.values() for job_type in about.get("serves", ()))
    cannot = {
        job_type for about in workers.values() if not about.get("bundles") for job_type in about.get("serves", ())
    }
    return {job_type: count for job_type, count in served.items() if job_type not in cannot}
