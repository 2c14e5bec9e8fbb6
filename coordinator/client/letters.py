"""Dead letters, as the client lists, shows, reruns and purges them."""

from __future__ import annotations

import warnings

from coordinator.client.addresses import path, query
from coordinator.client.connection import Connection
from infra.records import Json

LETTERS = 100  #: how many letters are listed by default


class LetterCalls(Connection):
    def letters(self, job_type: str | None = None, cause: str | None = None, limit: int = LETTERS) -> list[Json]:
        """The dead letters, the newest first."""
        asked = query(type=job_type, cause=cause, limit=str(limit))
        found: list[Json] = self._ask("GET", f"/v1/dead-letters?{asked}")
        return found

    def letter(self, job_id: str) -> Json:
        return self._ask_one("GET", path("dead-letters", job_id))

    def rerun_letter(self, job_id: str) -> Json:
        """Take up the goal of a dead letter's job again where outputs are missing.

        In the goal that it returns, `also` lists the goal's other letters whose jobs are done again.
        """
        return self._ask_one("POST", path("dead-letters", job_id, "/rerun"))

    def replay(self, job_id: str) -> Json:
        """The old name of `rerun_letter`."""
        warnings.warn("'replay' is called 'rerun_letter' now", DeprecationWarning, stacklevel=2)
        return self.rerun_letter(job_id)

    def purge(self, job_id: str) -> int:
        return int(self._ask_one("DELETE", path("dead-letters", job_id))["purged"])

    def purge_all(self, job_type: str | None = None, cause: str | None = None) -> int:
        """Purge the letters of a type and a cause, or all if neither is given. Returns how many there were."""
        asked = query(type=job_type, cause=cause) or query(all="true")
        return int(self._ask_one("DELETE", f"/v1/dead-letters?{asked}")["purged"])
