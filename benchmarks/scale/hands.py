"""Hands without an engine: they claim and commit by the hundred, to load a coordinator and Redis to the full.

    python -m benchmarks.scale.hands JOB_TYPE…

They stand in for more workers than this machine could run; they use the same messages and the same scripts of the
ledger.
"""

from __future__ import annotations

import json
import os
import sys
import time
from base64 import b64decode
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import redis

from infra.ledger.redis import scripts
from infra.ledger.redis.arguments import of_commits
from infra.ledger.redis.client import connect
from infra.ledger.redis.store import WEEK_S
from infra.records import Commit, Job, JobState, Outcome
from infra.settings import Settings

AT_ONCE = 100
LEASE_MS = 60_000
IDLE_S = 0.002


class Hands:
    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._client: Any = client
        self._settings = settings
        self._name = f"hands-{os.getpid()}"
        self._sha = {name: self._client.script_load(scripts.load(name)) for name in ("claim", "commit")}

    def work(self, job_type: str) -> list[str]:
        """Do up to `AT_ONCE` jobs of the type's queue; return their ids in the queue's order."""
        popped = self._client.rpop(f"{self._settings.queue_prefix}:{job_type}", AT_ONCE) or []
        tokens = {job_id: uuid4().hex for message in popped for job_id in _ids_in(message)}
        if not tokens:
            return []
        named = [word for each in tokens.items() for word in each]
        claims = self._run("claim", [self._name, LEASE_MS, "", *named])
        outcomes = [outcome_of(claim) for claim in claims if claim[0] == "claimed"]
        for piece in of_commits([Commit(outcome, tokens[outcome.job_id]) for outcome in outcomes]):
            self._run("commit", piece)
        return list(tokens)

    def _run(self, script: str, arguments: Sequence[Any]) -> list[Any]:
        return list(self._client.evalsha(self._sha[script], 1, self._settings.prefix, WEEK_S, *arguments))


def _ids_in(message: str) -> list[str]:
    """The ids in a message, which are the arguments of its task."""
    return list(json.loads(b64decode(json.loads(message)["body"]))[0])


def outcome_of(claim: list[Any]) -> Outcome:
    job = Job.model_validate_json(claim[1])
    ids = {"job_id": job.id, "run_id": job.run_id, "step_id": job.step_id, "index": job.index, "attempt": claim[2]}
    return Outcome(**ids, state=JobState.SUCCEEDED, output={"done": 1})


def main(job_types: list[str]) -> None:
    settings = Settings()
    hands = Hands(connect(settings), settings)
    while True:
        if not sum(len(hands.work(job_type)) for job_type in job_types):
            time.sleep(IDLE_S)


if __name__ == "__main__":
    main(sys.argv[1:])
