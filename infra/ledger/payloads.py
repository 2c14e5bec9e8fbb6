"""Large values in the inputs of jobs, which the jobs of one run often share: each is stored once a run. Knows no Redis.

A job is stored as its JSON. Where its input has large values, null stands in their place, and a line before the JSON
lists their names and the sha256 of each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from infra.records import Job

LARGE_BYTES = 4096  #: of JSON
LONGEST_ESCAPE = 6  #: bytes of JSON for one character of a string


class Payload(NamedTuple):
    sha256: str
    text: bytes  #: JSON


class Packer:
    """Packs jobs one after the other, and reports each large value of a run once."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()  # (run, sha256)
        self._last: dict[int, tuple[Any, Payload]] = {}  # id of a large value of the last job -> the value, its payload

    def pack(self, job: Job) -> tuple[str, list[Payload]]:
        """The text to store for the job, and the payloads to store before it."""
        large = {name: payload for name, value in job.input.items() if (payload := self._payload(value))}
        self._last = {id(job.input[name]): (job.input[name], payload) for name, payload in large.items()}
        new = [payload for payload in large.values() if (job.run_id, payload.sha256) not in self._told]
        self._told.update((job.run_id, payload.sha256) for payload in new)
        return _written(job, large), new

    def _payload(self, value: Any) -> Payload | None:
        """None if the value is not large. The last job's values are known by identity, because hashing takes time."""
        if id(value) in self._last:
            return self._last[id(value)][1]
        if not _may_be_large(value) or len(text := to_json(value)) <= LARGE_BYTES:
            return None
        return Payload(hashlib.sha256(text).hexdigest(), text)


def is_large(job: Job) -> bool:
    """Whether some of the job's input is stored apart from it."""
    return any(_may_be_large(value) and len(to_json(value)) > LARGE_BYTES for value in job.input.values())


def read_job(text: str, values: Sequence[str]) -> Job:
    """The job as it was packed; `values`: the JSON of its large values, in the order of `shas_of`."""
    job = read_small(text)
    if not values:
        return job
    names = from_json(text.partition("\n")[0])[::2]
    large = dict(zip(names, map(from_json, values), strict=True))
    return job.model_copy(update={"input": job.input | large})


def read_small(text: str) -> Job:
    """The job as it was packed, with null in the place of each large value of its input."""
    return Job.model_validate_json(text.partition("\n")[2] if text.startswith("[") else text)


def shas_of(text: str) -> list[str]:
    """The sha256 of each large value of a packed job, in order."""
    return list(from_json(text.partition("\n")[0])[1::2]) if text.startswith("[") else []


def _written(job: Job, large: dict[str, Payload]) -> str:
    if not large:
        return job.model_dump_json()
    names = [word for name, payload in large.items() for word in (name, payload.sha256)]
    small = job.model_copy(update={"input": job.input | dict.fromkeys(large)})
    return f"{to_json(names).decode()}\n{small.model_dump_json()}"


def _may_be_large(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) * LONGEST_ESCAPE > LARGE_BYTES
    return isinstance(value, list | dict)
