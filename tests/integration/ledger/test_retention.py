"""Nothing grows for ever: some time after everything has ended, Redis holds a few keys that we can name."""

from __future__ import annotations

import re
from typing import Any

import redis

from infra.ledger.redis.ledger import RedisLedger
from infra.listing import tag_list, tenant_list
from infra.queue.celery_queue import CeleryQueue
from infra.records import (
    Cause,
    Claim,
    Event,
    Failure,
    FailureKind,
    Idempotency,
    Job,
    JobState,
    Outcome,
    Priority,
    Provenance,
    Reuse,
    RunRecord,
    RunState,
    StepResult,
    TypeState,
)
from tests.support.eventually import eventually

PREFIX = "keep"
#: One of each, or one of each job type: whatever was done, there are no more of them.
STAYS = re.compile(
    PREFIX + r":(placed|seq|front|wake|types|type_states|passed|refill|outcomes|workers|(clock|load):[a-z]+)"
)
LEASE_MS = 60_000
SOON_MS = 1
DIGEST = "d" * 64


class Driver:
    """One run of many jobs, each driven to another end."""

    def __init__(self, ledger: RedisLedger, run_id: str = "r1") -> None:
        self.ledger = ledger
        self.run = RunRecord(id=run_id, created_ms=1, lists=(tenant_list("acme"), tag_list("a")), body={})
        self.count = 0

    def job(self, **about: Any) -> Job:
        self.count += 1
        name = Job.name(self.run.id, "s1", self.count)
        given = {"type": "mood", "input": {"text": "x" * 20_000}, "run_id": self.run.id, "step_id": "s1"} | about
        return Job(id=name, index=self.count, **given)

    def released(self, **about: Any) -> Job:
        job = self.job(**about)
        self.ledger.release([job])
        return job

    def claimed(self, lease_ms: int = LEASE_MS, **about: Any) -> Claim:
        return self.claim(self.released(**about), lease_ms)

    def claim(self, job: Job, lease_ms: int = LEASE_MS) -> Claim:
        claim = self.ledger.claim(job.id, "w1", lease_ms)
        assert isinstance(claim, Claim), claim
        return claim

    def succeed(self, claim: Claim) -> None:
        by = Provenance(worker="w1", specialist="mood@1", digest=DIGEST, engine="scripted")
        assert self.ledger.commit(self.outcome(claim, output={"label": "sad"}, provenance=by), claim.token)

    def fail(self, claim: Claim, kind: FailureKind, retry_ms: int | None = None) -> None:
        outcome = self.outcome(claim, failure=Failure(kind=kind, message="no"))
        assert self.ledger.commit(outcome, claim.token, retry_ms)

    def outcome(self, claim: Claim, **about: Any) -> Outcome:
        job, state = claim.job, JobState.FAILED if "failure" in about else JobState.SUCCEEDED
        ids = {name: getattr(job, name) for name in ("run_id", "step_id", "index", "round")}
        return Outcome(job_id=job.id, state=state, attempt=claim.attempt, **ids, **about)

    def state(self, job: Job) -> JobState | None:
        status = self.ledger.job(job.id)
        return status.state if status else None

    def end(self, state: RunState) -> None:
        record = self.ledger.load_run(self.run.id)
        assert record
        result = StepResult(step_id="s1", index=1, output={"label": "sad"})
        assert self.ledger.advance(record.model_copy(update={"state": state}), [result], [Event(name="e", data={})], ())


def end_every_way(driver: Driver) -> None:
    """Jobs that succeed, fail for each cause, expire in each way, are cancelled, handed back, or tried again."""
    ledger = driver.ledger
    driver.succeed(driver.claimed(tenant="acme", priority=Priority.HIGH))
    for kind in FailureKind:
        driver.fail(driver.claimed(), kind)
    driver.fail(driver.claimed(), FailureKind.ENGINE, retry_ms=LEASE_MS)  # waits for its next attempt when the run ends
    driver.fail(driver.claimed(), FailureKind.ENGINE, retry_ms=0)
    late, unclaimed = driver.released(deadline_ms=SOON_MS), driver.released(claim_within_s=0.001)
    poison = driver.claimed(attempts=1, lease_ms=SOON_MS).job
    dropped = driver.claimed(attempts=1, lease_ms=SOON_MS).job

    def swept() -> bool:
        ledger.sweep(0)
        states = [driver.state(job) for job in (late, unclaimed, poison, dropped)]
        return states == [JobState.EXPIRED, JobState.EXPIRED, JobState.DEAD, JobState.DEAD]

    eventually(swept, "they have expired or died")
    assert ledger.purge([dropped.id]) == 1
    assert ledger.cancel([driver.released().id, driver.claimed().job.id]) == 2  # nobody reads `stops`
    handed = driver.claimed()
    assert ledger.hand_back(handed.job.id, handed.token)


def share_outputs(driver: Driver) -> None:
    """Of unique jobs: one is answered with another's output, one follows one that failed, one is left behind."""
    ledger = driver.ledger
    for key in ("answered", "failed", "left"):
        reuse = Reuse(key=f"{driver.run.id} {key}", digest=DIGEST, unique=True, cache_s=1)
        leader, *followers = (driver.released(reuse=reuse, tenant=f"t{n}") for n in range(3))
        if key == "answered":
            driver.succeed(driver.claim(leader))
            assert [driver.state(job) for job in followers] == [JobState.SUCCEEDED] * 2
            assert driver.state(driver.released(reuse=reuse)) is JobState.SUCCEEDED
        elif key == "failed":
            driver.fail(driver.claim(leader), FailureKind.ENGINE)
            assert driver.state(followers[0]) is JobState.READY
            ledger.cancel([followers[1].id])


def take_up_again(driver: Driver) -> None:
    """Of a run that has ended: one of its jobs is done anew, a round later, and another one is dropped for good."""
    ledger, record = driver.ledger, driver.ledger.load_run(driver.run.id)
    assert record
    letter = next(letter for letter in ledger.dead_letters() if letter.cause is Cause.FAILED)
    status = ledger.job(letter.job_id)
    assert status
    job = status.job.model_copy(update={"round": 1})
    record = record.model_copy(update={"state": RunState.RUNNING})
    assert ledger.reopen(record, [job, driver.job(round=1)], ["s1"], [Event(name="run.reopened", data={})])
    driver.succeed(driver.claim(job))


def acknowledge_all(ledger: RedisLedger, consumer: str) -> None:
    while entries := ledger.outcomes(consumer, 100, 0):
        ledger.acknowledge([entry for entry, _ in entries])


def test_after_the_retention_only_keys_that_can_be_named_are_left(redis_client: redis.Redis) -> None:
    client = redis_client
    ledger = RedisLedger(client, PREFIX, retention_s=1)
    for state in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED):
        driver = Driver(ledger, f"run-{state}")
        asked = Idempotency(key=f"acme {state}", fingerprint="f", keep_s=1)
        ledger.create_run(driver.run, [driver.job()], [Event(name="run.accepted", data={})], asked)
        end_every_way(driver)
        share_outputs(driver)
        driver.end(state)
        take_up_again(driver)
        driver.end(state)
        acknowledge_all(ledger, f"coordinator-{state}")
    ledger.set_type_state("mood", TypeState.PAUSED)
    ledger.beat("w1", {"serves": {}}, SOON_MS)
    ledger.set_type_state("mood", TypeState.OPEN)

    assert 0 < client.ttl(f"{PREFIX}:stops:w1") <= 60  # its worker has never asked
    client.delete(f"{PREFIX}:stops:w1")

    def left() -> set[str]:
        """As the coordinators do all the time: look for what is ready, mend, take outcomes."""
        ledger.take_ready(10)
        ledger.sweep(0)
        acknowledge_all(ledger, "last")
        ledger.beat("w2", {"serves": {}}, LEASE_MS)
        ledger.leave("w2")
        return {name for name in map(str, client.keys("*")) if not STAYS.fullmatch(name)}

    def readers() -> list[str]:
        return [consumer["name"] for consumer in client.xinfo_consumers(f"{PREFIX}:outcomes", "coordinator")]

    eventually(lambda: not left() and readers() == ["last"], lambda: (left(), readers()), within_s=10)
    assert client.xlen(f"{PREFIX}:outcomes") == 0
    assert client.zcard(f"{PREFIX}:workers") == 0
    assert client.hgetall(f"{PREFIX}:type_states") == {}
    assert float(client.hget(f"{PREFIX}:load:mood", "waiting") or "nan") == 0
    assert client.smembers(f"{PREFIX}:types") == {"mood"}


def test_the_events_of_a_run_are_bounded(redis_client: redis.Redis) -> None:
    client = redis_client
    ledger = RedisLedger(client, PREFIX)
    ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [], [Event(name="e", data={})] * 60_000)

    assert client.zrange(f"{PREFIX}:listed", 0, -1) == ["r1"]
    assert client.xlen(f"{PREFIX}:events:r1") < 26_000


def test_a_run_leaves_its_lists_when_it_is_forgotten_and_not_before(redis_client: redis.Redis) -> None:
    ledger = RedisLedger(redis_client, PREFIX, retention_s=2)
    lists = (tenant_list("acme"), tag_list("a"))
    runs = [RunRecord(id=f"r{number}", created_ms=1, lists=lists, body={}) for number in range(300)]
    for run in runs:
        ledger.create_run(run, [], [])
    assert ledger.advance(runs[1].model_copy(update={"state": RunState.FAILED}), [], [], [])
    assert redis_client.zrange(f"{PREFIX}:listed:state:failed", 0, -1) == ["r1"]
    assert ledger.reopen(runs[1].model_copy(update={"version": 1}), [], [], [])
    for run in runs[2:]:
        assert ledger.advance(run.model_copy(update={"state": RunState.FAILED}), [], [], [])

    def names() -> set[str]:
        ledger.sweep(60_000)
        return {str(name) for name in redis_client.keys(f"{PREFIX}:*")}

    eventually(lambda: f"{PREFIX}:forgotten" not in names(), names, within_s=10)
    for key in ("listed", "listed:tenant:acme", "listed:tag:a", "listed:state:running"):
        assert redis_client.zrange(f"{PREFIX}:{key}", 0, -1) == ["r0", "r1"], key
    assert not any("state:failed" in name for name in names())


def test_two_thousand_messages_leave_nothing_on_the_queue(redis_client: redis.Redis, queue: CeleryQueue) -> None:
    client = redis_client
    sizes: list[dict[str, int]] = []

    def work(job_id: str) -> None:
        if job_id.endswith("last"):
            queue.stop()

    for turn in range(2):
        queue.send_all([("mood", f"{turn}.{n}") for n in range(999)] + [("mood", f"{turn}.last")])
        queue.serve({"mood": work}, slots=8, name="w1")
        sizes.append({str(name): size for name in client.keys("*") if (size := client.memory_usage(name))})

    assert sizes[0].keys() == sizes[1].keys()
    assert not {name for name in sizes[1] if not re.fullmatch(r"mq:_kombu\.binding[a-z._]*", name)}
    assert sum(sizes[1].values()) <= sum(sizes[0].values())
