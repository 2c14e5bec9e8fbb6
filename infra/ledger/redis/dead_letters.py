"""Dead letters on Redis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from infra.ledger.protocol import check_limit
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore, pieces
from infra.ledger.unreadable import read_outcome
from infra.listing import LOOKS, LetterPage, LetterPlace, LetterQuery
from infra.records import NOBODY, Cause, DeadLetter

#: When a letter's job ended, the job's id and type, and the cause.
Found = tuple[int, str, str, Cause]


class RedisDeadLetters(RedisStore):
    @answered
    def dead_letters(
        self, job_type: str | None = None, cause: Cause | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        return self.list_letters(LetterQuery(type=job_type, cause=cause, limit=limit)).letters

    @answered
    def list_letters(self, query: LetterQuery) -> LetterPage:
        check_limit(query.limit)
        looks = LOOKS if query.picks else query.limit
        found = self._found(query, looks + 1)
        letters: list[DeadLetter] = []
        for piece in pieces(found[:looks]):
            for place, letter in self._letters(piece):
                if letter and query.fits(letter):
                    letters.append(letter)
                if len(letters) == query.limit:
                    return LetterPage(letters, place if place != _place(found[-1]) else None)
        return LetterPage(letters, _place(found[looks - 1]) if len(found) > looks else None)

    @answered
    def purge(self, job_ids: Sequence[str]) -> int:
        return sum(self._run("purge", *piece) for piece in pieces(job_ids))

    def _found(self, query: LetterQuery, count: int) -> list[Found]:
        """The first `count` letters of the query's types, causes and times, in its order."""
        types = self._redis.smembers(self._key("types")) if query.type is None else [query.type]
        kinds = [(each, of) for each in types for of in (Cause if query.cause is None else [query.cause])]
        spans = _spans(query, count)
        with self._redis.pipeline(transaction=False) as pipe:
            for job_type, cause in kinds:
                for lowest, highest, most in spans:
                    ends = (lowest, highest) if query.oldest_first else (highest, lowest)
                    pipe.zrange(
                        self._key(cause, job_type), *ends, desc=not query.oldest_first, byscore=True,
                        offset=0, num=most, withscores=True,
                    )  # fmt: skip
            answers = iter(pipe.execute())
        found = [(int(at_ms), job_id, *kind) for kind in kinds for _ in spans for job_id, at_ms in next(answers)]
        return [each for each in sorted(found, reverse=not query.oldest_first) if query.is_behind(_place(each))][:count]

    def _letters(self, found: Sequence[Found]) -> Iterator[tuple[LetterPlace, DeadLetter | None]]:
        with self._redis.pipeline(transaction=False) as pipe:
            for _, job_id, _, _ in found:
                pipe.get(self._key("outcome", job_id)).hmget(self._key("state", job_id), "tenant", "tags")
            answers = pipe.execute()
        for each, text, (tenant, tags) in zip(found, answers[::2], answers[1::2], strict=True):
            at_ms, job_id, job_type, cause = each
            outcome = read_outcome(text) if text else None
            letter = None
            if outcome and outcome.failure:  # otherwise it was forgotten in between
                letter = DeadLetter(
                    job_id=job_id, type=job_type, cause=cause, at_ms=at_ms, failure=outcome.failure,
                    attempt=outcome.attempt, tenant=tenant or NOBODY, tags=tuple((tags or "").split()),
                )  # fmt: skip
            yield _place(each), letter


def _place(found: Found) -> LetterPlace:
    return LetterPlace(*found[:2])


def _spans(query: LetterQuery, count: int) -> list[tuple[int, int, int]]:
    """Where to look: the lowest and the highest time, and how many letters at most; -1: all.

    Of the millisecond in which the last page ended, all letters are looked at. They are few: those of one script.
    """
    lowest, highest = query.times
    if query.after is None:
        return [(lowest, highest, count)]
    at_ms = query.after.at_ms
    rest = (max(lowest, at_ms + 1), highest) if query.oldest_first else (lowest, min(highest, at_ms - 1))
    return [(max(lowest, at_ms), min(highest, at_ms), -1), (*rest, count)]
