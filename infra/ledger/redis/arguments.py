"""Jobs and outcomes as arguments of the ledger's scripts; see `infra.ledger.redis.scripts`. Knows no connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from infra.ledger.payloads import Packer, shas_of
from infra.records import NOBODY, SHARED, Cause, Commit, Job, Json, Priority

Argument = str | int | float | bytes

#: How much one script is given, so that Redis can answer others in between: about 10 ms of work.
JOBS_A_CALL = 250
BYTES_A_CALL = 4_000_000


def of_jobs(jobs: Iterable[Job]) -> list[Argument]:
    """All jobs as one list of arguments, as `make_jobs` takes them."""
    packer = Packer()
    return _joined([_packed(packer, job) for job in jobs])


def in_pieces(jobs: Iterable[Job]) -> Iterator[list[Argument]]:
    """Jobs as `make_jobs` takes them, in pieces that are neither too many nor too large for one script."""
    packer = Packer()
    piece: list[list[bytes]] = []
    size = 0
    for job in jobs:
        piece.append(_packed(packer, job))
        size += sum(map(len, piece[-1]))
        if len(piece) == JOBS_A_CALL or size > BYTES_A_CALL:
            yield _joined(piece)
            piece, size = [], 0
    if piece:
        yield _joined(piece)


def of_commits(commits: Iterable[Commit]) -> Iterator[list[Argument]]:
    """Outcomes as `commit` takes them, in pieces that are not too large for one script."""
    piece: list[Argument] = []
    size = 0
    for commit in commits:
        words = of_commit(commit)
        if piece and size + len(words[3]) > BYTES_A_CALL:
            yield piece
            piece, size = [], 0
        piece += words
        size += len(words[3])
    if piece:
        yield piece


def of_commit(commit: Commit) -> list[Any]:
    """One outcome as `commit` takes it."""
    outcome = commit.outcome
    own = outcome.model_dump_json(exclude=SHARED)[:-1].encode()
    shared = outcome.model_dump_json(include=SHARED)[1:].encode()
    cause = Cause.of(outcome.failure.kind) if outcome.failure else None
    digest = outcome.provenance.digest if outcome.provenance else ""
    again = "" if commit.retry_ms is None or not outcome.failure else commit.retry_ms
    text = own + b"," + shared
    return [outcome.job_id, commit.token, outcome.state, text, again, cause or "", digest, len(own) + 2]


def _packed(packer: Packer, job: Job) -> list[bytes]:
    """First run, sha256 and JSON of each large value that is not packed yet, then the job as `make_job` takes it."""
    text, payloads = packer.pack(job)
    values = [word for each in payloads for word in (job.run_id.encode(), each.sha256.encode(), each.text)]
    return [*values, to_json(_fields(job) | {"job": text} | ({"alone": 1} if shas_of(text) else {}))]


def _joined(piece: Sequence[list[bytes]]) -> list[Argument]:
    payloads = [word for words in piece for word in words[:-1]]
    return [len(payloads) // 3, *payloads, *(words[-1] for words in piece)]


def _fields(job: Job) -> Json:
    """The fields of `state:J`. A field that says nothing, or the same for most jobs, is left out to save memory."""
    fields: Json = {
        "id": job.id,
        "type": job.type,
        "run": job.run_id,
        "step": job.step_id,
        "index": job.index,
        "attempts": job.attempts,
        "deadline": job.deadline_ms,
        "queue_ms": None if job.claim_within_s is None else round(1000 * job.claim_within_s),
        "tenant": None if job.tenant == NOBODY else job.tenant,
        "tags": " ".join(job.tags) or None,
        "class": None if job.priority is Priority.NORMAL else job.priority.rank,
        "tokens": None if job.tokens == 1 else job.tokens,
        "round": job.round or None,
        "schemas": job.schemas,
    }
    if job.reuse:
        fields |= {"reuse": job.reuse.key, "digest": job.reuse.digest, "cache_s": job.reuse.cache_s}
        fields |= {"unique": 1 if job.reuse.unique else None, "fresh": 1 if job.reuse.fresh else None}
    return {name: value for name, value in fields.items() if value is not None}
