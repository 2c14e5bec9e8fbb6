"""What the ledger knows after its Redis was killed and started again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from infra.ledger.redis.client import client_of
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer
from infra.records import Claim, Event, Job, JobState, Outcome, Refusal, RunRecord, StepResult

RUN = RunRecord(id="r1", created_ms=1, body={"goal": "sort"})
JOBS = [Job(id=Job.name("r1", "s1", i), type="triage", input={}, run_id="r1", step_id="s1", index=i) for i in range(40)]


def outcome_of(claim: Claim) -> Outcome:
    job = claim.job
    return Outcome(
        job_id=job.id,
        run_id=job.run_id,
        step_id=job.step_id,
        index=job.index,
        state=JobState.SUCCEEDED,
        attempt=claim.attempt,
        output={"label": "refund"},
    )


def claimed(ledger: RedisLedger, job: Job) -> Claim:
    claim = ledger.claim(job.id, "w1", 60_000)
    assert isinstance(claim, Claim)
    return claim


def test_nothing_is_lost_and_nothing_is_done_twice_when_redis_is_killed(tmp_path: Path) -> None:
    # Synced each write: with `everysec` a kill may take what was answered while the disk was busy (docs/delivery.md).
    server = RedisServer(tmp_path, appendfsync="always")
    server.start()
    with client_of(server.url) as client:
        ledger = RedisLedger(client, "test", idle_ms=0)
        ledger.create_run(RUN, JOBS, [Event(name="run.accepted", data={})])
        ledger.save_plan("acme", "late", {"plan": {}}, 5)
        sent = ledger.take_ready(20)
        running, committed, acknowledged = (claimed(ledger, job) for job in JOBS[:3])
        ledger.commit(outcome_of(acknowledged), acknowledged.token)
        [(entry, _)] = ledger.outcomes("c1", 10, 0)
        ledger.advance(RUN, [StepResult(step_id="s1", index=2, output={"label": "refund"})], [], [entry])
        ledger.commit(outcome_of(committed), committed.token)

        assert server.pid
        os.kill(server.pid, signal.SIGKILL)
        server.stop()
        server.start()
        try:
            run = ledger.load_run("r1")
            assert run is not None
            assert run.version == 1
            assert ledger.saved_plans("acme") == {"late": {"plan": {}}}
            assert ledger.results("r1", "s1") == {2: {"label": "refund"}}
            assert [outcome for _, outcome in ledger.outcomes("c2", 10, 0)] == [outcome_of(committed)]
            assert ledger.claim(committed.job.id, "w2", 60_000) is Refusal.ENDED
            assert ledger.claim(running.job.id, "w2", 60_000) is Refusal.RUNNING
            assert ledger.commit(outcome_of(running), running.token)
            assert sorted(ledger.sweep(0)) == sorted(sent[3:])
            assert len(ledger.take_ready(100)) == 20
        finally:
            server.stop()
