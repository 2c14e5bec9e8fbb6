"""A worker or coordinator as it ships, but watched: `python -m benchmarks.chaos.processes.process ROLE PLANT [TYPE…]`.

Its scripts come from `scripts.py` beside it. The ledger's answers to it go into its journal, which is a file, so
that nothing that happens to Redis can change it. A written line survives a SIGKILL of its writer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import coordinator.app
import workers.app
from benchmarks.chaos.processes.scripts import put_in
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Claim, Commit, Message, Refusal
from workers.engines import load

NO_PLANT = "sound"
FOLDER = "CHAOS_FOLDER"  #: environment variable: the folder that holds the journals


class Journal:
    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / f"{name}-{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, what: str, **fields: Any) -> None:
        os.write(self._file, json.dumps({"what": what, **fields}).encode() + b"\n")


def watch(journal: Journal) -> None:
    """Make the ledger of this process note its answers."""
    claim_all, commit_all = RedisLedger.claim_all, RedisLedger.commit_all
    renew, sweep = RedisLedger.renew, RedisLedger.sweep

    def claim_noted(self: RedisLedger, job_ids: Sequence[str], *rest: Any, **named: Any) -> list[Claim | Refusal]:
        answers = claim_all(self, job_ids, *rest, **named)
        for job_id, answer in zip(job_ids, answers, strict=True):
            if isinstance(answer, Refusal):
                journal.note("refused", job=job_id, why=answer.value)
        if len(job_ids) > 1:
            journal.note("bundle", named=len(job_ids), granted=sum(isinstance(answer, Claim) for answer in answers))
        return answers

    def renew_noted(self: RedisLedger, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        asked_ms = _now_ms()
        lost = renew(self, claims, lease_ms)
        kept = {job_id: token for job_id, token in claims.items() if job_id not in lost}
        journal.note("renew", at=asked_ms, lease=lease_ms, kept=kept, lost=lost)
        return lost

    def commit_noted(self: RedisLedger, commits: Sequence[Commit]) -> list[bool]:
        answers = commit_all(self, commits)
        for (outcome, token, _), taken in zip(commits, answers, strict=True):
            said = {"job": outcome.job_id, "token": token, "state": outcome.state.value}
            journal.note("commit", **said, taken=taken, at=_now_ms())
        return answers

    def sweep_noted(self: RedisLedger, silent_ms: int) -> list[Message]:
        sent = sweep(self, silent_ms)
        if sent:
            journal.note("sweep", sent=len(sent))
        return sent

    for noted, name in (
        (claim_noted, "claim_all"),
        (renew_noted, "renew"),
        (commit_noted, "commit_all"),
        (sweep_noted, "sweep"),
    ):
        setattr(RedisLedger, name, noted)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main(words: Sequence[str]) -> int:
    role, plant, *job_types = words
    put_in(None if plant == NO_PLANT else plant)
    watch(Journal(Path(os.environ[FOLDER]) / "journals", role))
    load._ENGINES["function"] = load._Row("benchmarks.chaos.processes.engine:ChaosEngine")
    if role == "worker":
        return workers.app.main(job_types)
    coordinator.app.main()
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
