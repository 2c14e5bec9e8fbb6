"""Claims on Redis: one attempt at a job, from its claim to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from infra.ledger.payloads import read_job
from infra.ledger.protocol import check_ends
from infra.ledger.protocols.claims import LoneClaims
from infra.ledger.redis.arguments import of_commits
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, within
from infra.ledger.unreadable import UNREAD_RETRY_MS, unread_job
from infra.records import Claim, Commit, Refusal

STOPS_READ = 100


class RedisClaims(RedisStore, LoneClaims):
    @answered
    def claim_all(
        self, job_ids: Sequence[str], worker: str, lease_ms: int, schemas: str | None = None
    ) -> list[Claim | Refusal]:
        named = [(job_id, uuid4().hex) for job_id in job_ids]
        answers = self._run("claim", worker, lease_ms, schemas or "", *(word for each in named for word in each))
        return [self._read(*each, worker, answer) for each, answer in zip(named, answers, strict=True)]

    @answered
    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        if not claims:
            return []
        return list(self._run("renew", lease_ms, *(field for claim in claims.items() for field in claim)))

    @answered
    def commit_all(self, commits: Sequence[Commit]) -> list[bool]:
        check_ends(commits)
        answers = [answer for piece in of_commits(commits) for answer in self._run("commit", *piece)]
        for commit, settling in zip(commits, answers[1::2], strict=True):
            if settling:
                self._repeat("settle", commit.token)
        return list(map(bool, answers[::2]))

    @answered
    def hand_back(self, job_id: str, token: str) -> bool:
        return bool(self._run("hand_back", job_id, token))

    @answered
    def stops(self, worker: str, wait_ms: int) -> list[str]:
        found = within(wait_ms, lambda block: self._pop_stops(self._key("stops", worker), block))
        return found[1] if found else []

    def _read(self, job_id: str, token: str, worker: str, answer: Sequence[Any]) -> Claim | Refusal:
        """The claim that the ledger's answer grants, or why there is none."""
        if answer[0] != "claimed":
            return Refusal(answer[0])
        _, text, attempt, wait_ms, lost, *values = answer
        try:
            job = read_job(text, values)
        except ValueError:
            return self._refuse_unread(job_id, worker, token, attempt)
        return Claim(job=job, token=token, attempt=attempt, wait_ms=wait_ms, lost=lost)

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
