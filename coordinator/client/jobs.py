"""Single jobs, as the client sends, awaits and cancels them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from coordinator.client.addresses import path
from coordinator.client.connection import Connection
from coordinator.client.old_names import warn_of
from coordinator.client.waits import STEP_S, in_one_request, waited
from infra.records import JobState, Json


class JobCalls(Connection):
    def job(
        self,
        job_type: str,
        job_input: Json,
        wait_s: float = STEP_S,
        *,
        priority: str = "normal",
        deadline_s: float | None = None,
        claim_within_s: float | None = None,
        queue_s: float | None = None,
        tags: Sequence[str] = (),
        key: str | None = None,
        top: int | None = None,
    ) -> Json:
        """Send one typed job and wait for it, `wait_s` at most. Raises ApiError with all faults.

        `claim_within_s`: the job expires unless a worker claims it within this time. `queue_s` is its old name. `top`:
        the job tells so many values of each label with their probabilities, under `alternatives`.
        """
        if queue_s is not None:
            warn_of(["queue_s"])
            claim_within_s = queue_s
        limits = {"deadline_s": deadline_s, "claim_within_s": claim_within_s}
        asked: Json = {"type": job_type, "input": job_input, "priority": priority, **limits}
        asked |= {"tags": list(tags)} if tags else {}
        asked |= {} if top is None else {"top": top}  # an older API knows no such field
        ends = time.monotonic() + wait_s
        first_s = in_one_request(wait_s)
        job = self._send("/v1/jobs", asked, key, first_s)
        if _job_ended(job) or wait_s <= first_s:
            return job
        return waited(partial(self.get_job, job["id"]), _job_ended, ends - time.monotonic())

    def get_job(self, job_id: str, wait_s: float = 0.0) -> Json:
        return self._ask_one("GET", f"{path('jobs', job_id)}?wait={wait_s}")

    def cancel_job(self, job_id: str) -> Json:
        return self._ask_one("POST", path("jobs", job_id, "/cancel"))


def _job_ended(job: Json) -> bool:
    return JobState(job["state"]).ended
