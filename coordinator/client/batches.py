"""Many jobs at once, as the client sends them: in requests that the API takes, each with a key."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Sequence

from pydantic_core import to_json

from coordinator.client.connection import PATIENCE_S, TRIES, Connection
from infra.records import Json

#: The most jobs that the API takes in one request, and somewhat less than the bytes that it takes by default.
JOBS_A_REQUEST = 1_000
BYTES_A_REQUEST = 900_000


class BatchCalls(Connection):
    def submit_jobs(self, jobs: Iterable[Json], key: str | None = None) -> list[Json]:
        """Send any number of jobs, and return what came of each, in their order. None of them is waited for.

        A job is `{"type": …, "input": …}`, with the other fields of `POST /v1/jobs` as wished. An item has the `id` of
        the job, or the `error` for which it was refused; one bad job costs no other. A job that the API has no room for
        is sent again when the API says, `TRIES` times at most. `key`: as of `Client.submit`, for all of them together.
        """
        key = str(uuid.uuid4()) if key is None else key
        pieces = enumerate(_pieces(jobs))
        return [item for number, piece in pieces for item in self._submit_piece(piece, f"{key}.{number}")]

    def _submit_piece(self, jobs: Sequence[Json], key: str) -> list[Json]:
        items = self._submit_once(jobs, key)
        for _ in range(TRIES - 1):
            waits_s = [item["retry_after_s"] for item in items if item["retry_after_s"] is not None]
            if not waits_s or max(waits_s) > PATIENCE_S:
                break
            time.sleep(max(waits_s))
            # By its key, only what was refused is tried again.
            again = self._submit_once(jobs, key)
            items = [old if old["id"] else new for old, new in zip(items, again, strict=True)]
        return items

    def _submit_once(self, jobs: Sequence[Json], key: str) -> list[Json]:
        items: list[Json] = self._send("/v1/jobs/batch", {"jobs": list(jobs)}, key)["items"]
        return items


def _pieces(jobs: Iterable[Json]) -> Iterator[list[Json]]:
    piece: list[Json] = []
    size = 0
    for job in jobs:
        job_bytes = len(to_json(job))
        if piece and (len(piece) == JOBS_A_REQUEST or size + job_bytes > BYTES_A_REQUEST):
            yield piece
            piece, size = [], 0
        piece.append(job)
        size += job_bytes + 1
    if piece:
        yield piece
