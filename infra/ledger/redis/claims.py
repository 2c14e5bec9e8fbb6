"""Claims on Redis: one attempt at a job, from its claim to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from infra.ledger.payloads import read_job
from infra.ledger.redis.arguments import of_outcome
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, within
from infra.ledger.unreadable import UNREAD_RETRY_MS, unread_job
from infra.records import Claim, Outcome, Refusal

STOPS_READ = 100


class RedisClaims(RedisStore):
    @answered
    def claim(self, job_id: str, worker: str, lease_ms: int, schemas: str | None = None) -> Claim | Refusal:
        token = uuid4().hex
        answer, *granted = self._run("claim", job_id, worker, lease_ms, token, schemas or "")
        if answer != "claimed":
            return Refusal(answer)
        text, attempt, wait_ms, lost, *values = granted
        try:
            job = read_job(text, values)
        except ValueError:
            return self._refuse_unread(job_id, worker, token, attempt)
        return Claim(job=job, token=token, attempt=attempt, wait_ms=wait_ms, lost=lost)

    @answered
    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        if not claims:
            return []
        return list(self._run("renew", lease_ms, *(field for claim in claims.items() for field in claim)))

    @answered
    def commit(self, outcome: Outcome, token: str, retry_ms: int | None = None) -> bool:
        if not outcome.state.ended:
            raise ValueError(f"job {outcome.job_id!r} cannot be committed as {outcome.state}: that is not an end")
        accepted, settling = self._run("commit", *of_outcome(outcome, token, retry_ms))
        if settling:
            self._repeat("settle", token)
        return bool(accepted)

    @answered
    def hand_back(self, job_id: str, token: str) -> bool:
        return bool(self._run("hand_back", job_id, token))

    @answered
    def stops(self, worker: str, wait_ms: int) -> list[str]:
        found = within(wait_ms, lambda block: self._pop_stops(self._key("stops", worker), block))
        return found[1] if found else []

    def _refuse_unread(self, job_id: str, worker: str, token: str, attempt: int) -> Refusal:
        """Turn a granted claim into a failed attempt, so that another worker may try, but not for ever."""
        fields = ("run", "step", "index", "round", "attempts")
        run_id, step_id, index, round_, attempts = self._redis.hmget(self._key("state", job_id), fields)
        place = {"job_id": job_id, "run_id": run_id, "step_id": step_id, "index": index, "attempt": attempt}
        self.commit(unread_job(worker, place | {"round": round_ or 0}), token, UNREAD_RETRY_MS)
        return Refusal.PAUSED if attempt < int(attempts) else Refusal.ENDED

    def _pop_stops(self, key: str, block: int | None) -> Any:
        if block is None:
            return self._redis.lmpop(1, key, direction="LEFT", count=STOPS_READ)
        return self._redis.blmpop(block / 1000, 1, key, direction="LEFT", count=STOPS_READ)
