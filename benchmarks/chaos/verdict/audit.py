"""The audit in Redis and the journals of the processes, read as records. Judges nothing."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from benchmarks.chaos.processes.scripts import STREAM

READ_AT_ONCE = 5_000
LONG_MS = 700  #: how long a job must have run for its worker to count as at work


@dataclass(frozen=True)
class Entry:
    """One decision of a script: to grant a claim, to accept a commit, to take a job back, or to end one."""

    what: str  #: claim, commit, back or end
    at_ms: int  #: time of Redis's clock
    job: str
    token: str
    worker: str = ""
    attempt: int = 0
    state: str = ""
    round: int = 0
    lease_ms: int = 0


class Audit:
    """The audit's stream; each read goes on where the last one ended."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self.client = client
        self._ask: Any = client  # redis-py types its replies as "awaitable or not"
        self._key = f"{prefix}:{STREAM}"
        self._after = "-"
        self.ended = 0  #: number of jobs
        self.length = 0
        self.holders: dict[str, Entry] = {}  #: job -> its claim while it runs, as far as the stream was read

    def read(self) -> list[Entry]:
        """Return the entries since the last call. It raises redis.RedisError."""
        entries: list[Entry] = []
        last = self._last()  # later entries wait for the next call, since a fault may write faster than this reads
        while found := self._ask.xrange(self._key, self._after, last, count=READ_AT_ONCE):
            entries += [_entry(entry_id, fields) for entry_id, fields in found]
            self._after = f"({found[-1][0]}"
        self.length += len(entries)
        for entry in entries:
            self._count(entry)
        return entries

    def _last(self) -> str:
        newest = self._ask.xrevrange(self._key, count=1)
        return str(newest[0][0]) if newest else "+"

    def at_work(self) -> list[str]:
        """The workers of jobs that have run for a while; a worker occurs once for each such job."""
        since_ms = time.time() * 1000 - LONG_MS
        return [claim.worker for claim in self.holders.values() if claim.at_ms < since_ms]

    def _count(self, entry: Entry) -> None:
        self.ended += entry.what == "end"
        if entry.what == "claim":
            self.holders[entry.job] = entry
        else:
            self.holders.pop(entry.job, None)


def _entry(entry_id: str, fields: dict[str, str]) -> Entry:
    return Entry(
        what=fields["what"],
        at_ms=int(entry_id.partition("-")[0]),
        job=fields["job"],
        token=fields["token"],
        worker=fields.get("worker", ""),
        attempt=int(float(fields.get("attempt") or 0)),
        state=fields.get("state", ""),
        round=int(fields.get("round") or 0),
        lease_ms=int(float(fields.get("lease") or 0)),
    )


@dataclass(frozen=True)
class Renewal:
    """A worker asked for a renewal, and was told that it keeps its claim."""

    asked_ms: int
    lease_ms: int
    job: str
    token: str


@dataclass(frozen=True)
class Committed:
    at_ms: int
    job: str
    token: str


class Journals:
    """The ledger's replies to workers and coordinators, as those wrote them down."""

    def __init__(self, folder: Path) -> None:
        self.renewals: dict[str, list[Renewal]] = defaultdict(list)  #: by token
        self.committed: list[Committed] = []  #: outputs that the ledger said it accepted
        self.stale: list[str] = []  #: tokens of commits that were refused
        self.refused: dict[str, int] = defaultdict(int)  #: refused claims by reason
        self.bundles: list[int] = []  #: how many claims each bundle got that got more than one
        self.swept = 0  #: number of jobs that a sweep put on the queue again
        for file in sorted((folder / "journals").glob("*.jsonl")):
            for line in _lines(file):
                self._note(line)

    def _note(self, line: dict[str, Any]) -> None:
        match line["what"]:
            case "renew":
                for job, token in line["kept"].items():
                    self.renewals[token].append(Renewal(line["at"], line["lease"], job, token))
            case "commit" if not line["taken"]:
                self.stale.append(line["token"])
            case "commit" if line["state"] == "succeeded":
                self.committed.append(Committed(line["at"], line["job"], line["token"]))
            case "refused":
                self.refused[line["why"]] += 1
            case "bundle" if line["granted"] > 1:
                self.bundles.append(line["granted"])
            case "sweep":
                self.swept += line["sent"]


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines, each of which was one write. The last one may be cut off by a full disk, but never by a kill."""
    with file.open("rb") as lines:
        for line in lines:
            yield json.loads(line)
