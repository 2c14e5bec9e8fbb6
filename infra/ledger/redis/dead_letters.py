"""Dead letters on Redis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.ledger.protocol import check_limit
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, pieces
from infra.ledger.unreadable import read_outcome
from infra.records import NOBODY, Cause, DeadLetter


class RedisDeadLetters(RedisStore):
    @answered
    def dead_letters(
        self, job_type: str | None = None, cause: Cause | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        check_limit(limit)
        types = self._redis.smembers(self._key("types")) if job_type is None else [job_type]
        places = [(each, of) for each in types for of in (Cause if cause is None else [cause])]
        with self._redis.pipeline(transaction=False) as pipe:
            for each, of in places:
                pipe.zrevrange(self._key(of, each), 0, limit - 1, withscores=True)
            found = zip(places, pipe.execute(), strict=True)
        letters = [(int(at_ms), job_id, *place) for place, jobs in found for job_id, at_ms in jobs]
        return [letter for piece in pieces(sorted(letters, reverse=True)[:limit]) for letter in self._letters(piece)]

    @answered
    def purge(self, job_ids: Sequence[str]) -> int:
        return sum(self._run("purge", *piece) for piece in pieces(job_ids))

    def _letters(self, found: Sequence[tuple[int, str, str, Cause]]) -> Iterator[DeadLetter]:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.mget([self._key("outcome", job_id) for _, job_id, _, _ in found])
            for _, job_id, _, _ in found:
                pipe.hget(self._key("state", job_id), "tenant")
            outcomes, *tenants = pipe.execute()
        for (at_ms, job_id, job_type, cause), text, tenant in zip(found, outcomes, tenants, strict=True):
            outcome = read_outcome(text) if text else None
            if outcome and outcome.failure:  # otherwise it was forgotten in between
                yield DeadLetter(
                    job_id=job_id, type=job_type, cause=cause, at_ms=at_ms,
                    failure=outcome.failure, attempt=outcome.attempt, tenant=tenant or NOBODY,
                )  # fmt: skip
