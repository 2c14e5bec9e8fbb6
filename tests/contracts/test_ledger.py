"""What every ledger does, on each implementation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from infra.ledger import Ledger
from infra.memory_ledger import MemoryLedger, wall_ms
from infra.records import (
    Claim,
    Event,
    Failure,
    FailureKind,
    Job,
    JobState,
    Json,
    Outcome,
    Refusal,
    RunRecord,
    RunState,
    StepResult,
)

RUN = RunRecord(id="r1", created_ms=1, body={"goal": "sort"})
LEASE_MS = 60_000
IDLE_MS = 500


class Clock:
    def __init__(self) -> None:
        self.ms = wall_ms()

    def __call__(self) -> int:
        return self.ms

    def passes(self, ms: int) -> None:
        self.ms += ms


@dataclass
class House:
    """A ledger, and how to let its time pass."""

    ledger: Ledger
    passes: Callable[[int], None]
    now_ms: Callable[[], int]


@pytest.fixture(params=["memory", "redis"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    if request.param == "memory":
        clock = Clock()
        yield House(MemoryLedger(now_ms=clock, idle_ms=IDLE_MS), clock.passes, clock)
        return
    from infra.redis_ledger import RedisLedger

    ledger = RedisLedger(request.getfixturevalue("redis_client"), "test", idle_ms=IDLE_MS)
    yield House(ledger, lambda ms: time.sleep((ms + 1) / 1000), wall_ms)


@pytest.fixture
def ledger(house: House) -> Ledger:
    return house.ledger


def a_job(
    index: int = 0,
    *,
    job_type: str = "triage",
    run_id: str = "r1",
    input: Json | None = None,
    attempts: int = 3,
    deadline_ms: int | None = None,
) -> Job:
    return Job(
        id=Job.name(run_id, "s1", index),
        type=job_type,
        input={"text": "hello"} if input is None else input,
        run_id=run_id,
        step_id="s1",
        index=index,
        attempts=attempts,
        deadline_ms=deadline_ms,
    )


def counts(ledger: Ledger, job_type: str) -> dict[str, int]:
    """How many jobs of the type are where."""
    depths = ledger.depths()[job_type]
    return {where: count for where, count in depths.items() if where != "oldest_ms"}


def success_of(claim: Claim) -> Outcome:
    return _outcome(claim, state=JobState.SUCCEEDED, output={"label": "refund"})


def failure_of(claim: Claim, *, retryable: bool) -> Outcome:
    failure = Failure(kind=FailureKind.ENGINE, message="the engine stopped", retryable=retryable)
    return _outcome(claim, state=JobState.FAILED, failure=failure)


def _outcome(claim: Claim, **ending: object) -> Outcome:
    job = claim.job
    place = {"job_id": job.id, "run_id": job.run_id, "step_id": job.step_id, "index": job.index}
    return Outcome.model_validate(place | {"attempt": claim.attempt} | ending)


def claimed(ledger: Ledger, job: Job, *, worker: str = "w1", lease_ms: int = LEASE_MS) -> Claim:
    claim = ledger.claim(job.id, worker, lease_ms)
    assert isinstance(claim, Claim), claim
    return claim


def outcomes_now(ledger: Ledger, limit: int = 100) -> list[Outcome]:
    return [outcome for _, outcome in ledger.outcomes("c1", limit, 0)]


def state_of(ledger: Ledger, job: Job) -> JobState:
    status = ledger.job(job.id)
    assert status is not None
    return status.state


def ended(run: RunRecord, state: RunState = RunState.CANCELLED) -> RunRecord:
    return run.model_copy(update={"state": state})


# -- runs --


def test_a_run_is_stored_with_its_first_jobs_and_events(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [Event(name="run.accepted", data={"n": 1})])

    assert ledger.load_run("r1") == RUN
    assert ledger.take_ready(10) == [("triage", "r1.s1.0")]
    assert [event.name for _, event in ledger.events("r1")] == ["run.accepted"]


def test_creating_a_run_twice_creates_it_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.create_run(RUN, [a_job()], [Event(name="run.accepted", data={})])

    assert len(ledger.events("r1")) == 1
    assert len(ledger.recent_runs()) == 1
    assert ledger.depths()["triage"]["ready"] == 1


def test_an_unknown_run_is_none(ledger: Ledger) -> None:
    assert ledger.load_run("r9") is None
    assert not ledger.advance(RUN, [], [], [])
    assert ledger.events("r9") == []
    assert ledger.results("r9", "s1") == {}


def test_the_newest_runs_come_first(ledger: Ledger) -> None:
    for name in ("r1", "r2", "r3"):
        ledger.create_run(RUN.model_copy(update={"id": name}), [], [])

    assert [run.id for run in ledger.recent_runs(2)] == ["r3", "r2"]


def test_advance_saves_record_results_and_events_together(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    changed = RUN.model_copy(update={"body": {"goal": "count"}})

    saved = ledger.advance(
        changed, [StepResult(step_id="s1", index=7, output={"n": 2})], [Event(name="e", data={})], []
    )

    assert saved
    assert ledger.load_run("r1") == changed.model_copy(update={"version": 1})
    assert ledger.results("r1", "s1") == {7: {"n": 2}}
    assert [event.name for _, event in ledger.events("r1")] == ["e"]


def test_advance_from_a_stale_version_changes_nothing(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    ledger.commit(success_of(claim := claimed(ledger, a_job())), claim.token)
    [(entry, _)] = ledger.outcomes("c1", 10, 0)
    assert ledger.advance(RUN, [], [], [])

    late = ended(RUN.model_copy(update={"body": {}}))
    saved = ledger.advance(late, [StepResult(step_id="s1", index=0, output={})], [Event(name="e", data={})], [entry])

    assert not saved
    assert ledger.load_run("r1") == RUN.model_copy(update={"version": 1})
    assert ledger.results("r1", "s1") == {}
    assert ledger.events("r1") == []


def test_a_stale_advance_leaves_its_outcomes_unacknowledged(house: House) -> None:
    ledger = house.ledger
    ledger.create_run(RUN, [a_job()], [])
    ledger.commit(success_of(claim := claimed(ledger, a_job())), claim.token)
    [(entry, outcome)] = ledger.outcomes("c1", 10, 0)
    ledger.advance(RUN.model_copy(update={"version": 5}), [], [], [entry])

    house.passes(IDLE_MS)

    assert ledger.outcomes("c1", 10, 0) == [(entry, outcome)]


def test_only_one_of_two_racing_advances_is_saved(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(lambda _: ledger.advance(RUN, [], [Event(name="e", data={})], []), range(4)))

    assert sorted(saved) == [False, False, False, True]
    assert len(ledger.events("r1")) == 1


def test_a_run_that_has_ended_is_never_changed_but_its_outcomes_are_acknowledged(house: House) -> None:
    ledger = house.ledger
    ledger.create_run(RUN, [a_job()], [])
    ledger.commit(success_of(claim := claimed(ledger, a_job())), claim.token)
    [(entry, _)] = ledger.outcomes("c1", 10, 0)
    assert ledger.advance(ended(RUN, RunState.FAILED), [], [], [])
    last = ledger.load_run("r1")
    assert last is not None

    assert not ledger.advance(last.model_copy(update={"state": RunState.RUNNING}), [], [], [entry])

    house.passes(IDLE_MS)
    assert ledger.load_run("r1") == last
    assert ledger.outcomes("c1", 10, 0) == []


def test_ending_a_run_cancels_its_waiting_jobs_and_no_others(ledger: Ledger) -> None:
    other = a_job(run_id="r2")
    ledger.create_run(RUN, [a_job(i) for i in range(600)], [])
    ledger.release([other])
    assert len(ledger.take_ready(5)) == 5

    assert ledger.advance(ended(RUN), [], [], [])

    assert {state_of(ledger, a_job(i)) for i in range(600)} == {JobState.CANCELLED}
    assert state_of(ledger, other) is JobState.READY
    assert ledger.take_ready(10) == [("triage", other.id)]
    assert ledger.claim(a_job(0).id, "w1", LEASE_MS) is Refusal.ENDED
    assert outcomes_now(ledger) == []


def test_ending_a_run_fences_the_job_that_is_running(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job()], [])
    claim = claimed(ledger, a_job())

    ledger.advance(ended(RUN), [], [], [])

    assert ledger.renew({claim.job.id: claim.token}, LEASE_MS) == [claim.job.id]
    assert not ledger.commit(success_of(claim), claim.token)
    status = ledger.job(claim.job.id)
    assert status is not None
    assert status.state is JobState.CANCELLED
    assert status.outcome is not None
    assert status.outcome.failure is not None
    assert status.outcome.failure.kind is FailureKind.CANCELLED


def test_jobs_of_a_run_that_has_ended_are_not_released(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    ledger.advance(ended(RUN), [], [], [])

    assert ledger.release([a_job()]) == 0
    assert ledger.job(a_job().id) is None


# -- events --


def test_events_resume_after_an_id(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [Event(name=f"e{i}", data={"i": i}) for i in range(3)])
    first, second, _ = ledger.events("r1")

    assert [event.name for _, event in ledger.events("r1", after=first[0])] == ["e1", "e2"]
    assert [event.name for _, event in ledger.events("r1", after=second[0])] == ["e2"]


def test_waiting_for_events_returns_with_the_first_one(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [Event(name="old", data={})])
    [(last, _)] = ledger.events("r1")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.events, "r1", last, 30_000)
        ledger.advance(RUN, [], [Event(name="new", data={})], [])
        assert [event.name for _, event in waiting.result()] == ["new"]


def test_waiting_for_events_that_do_not_come_returns_nothing(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [])
    assert ledger.events("r1", wait_ms=20) == []


def test_an_event_id_that_is_none_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="no event has the id 'yesterday'"):
        ledger.events("r1", after="yesterday")


# -- release and take --


def test_releasing_twice_creates_once(ledger: Ledger) -> None:
    jobs = [a_job(i) for i in range(3)]
    assert ledger.release(jobs) == 3
    claim = claimed(ledger, jobs[0])
    ledger.commit(success_of(claim), claim.token)

    assert ledger.release([*jobs, a_job(3)]) == 1
    assert state_of(ledger, jobs[0]) is JobState.SUCCEEDED
    assert ledger.depths()["triage"]["ready"] == 3


def test_jobs_are_taken_oldest_first_and_the_types_in_turn(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(3)])
    ledger.release([a_job(i, job_type="entities") for i in range(3, 6)])

    taken = ledger.take_ready(10)

    assert [job_id for job_type, job_id in taken if job_type == "triage"] == ["r1.s1.0", "r1.s1.1", "r1.s1.2"]
    assert [job_id for job_type, job_id in taken if job_type == "entities"] == ["r1.s1.3", "r1.s1.4", "r1.s1.5"]
    assert len({job_type for job_type, _ in taken[:2]}) == 2
    assert ledger.take_ready(10) == []


def test_no_more_than_a_window_of_each_type_waits_to_be_claimed(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(5)])
    ledger.release([a_job(9, job_type="entities")])
    assert len(ledger.take_ready(2)) == 3
    assert ledger.take_ready(2) == []

    claimed(ledger, a_job(0))
    assert ledger.take_ready(2) == [("triage", "r1.s1.2")]
    assert list(ledger.depths()) == ["entities", "triage"]
    assert counts(ledger, "entities") == {"ready": 0, "sent": 1, "running": 0, "dead": 0}
    assert counts(ledger, "triage") == {"ready": 2, "sent": 2, "running": 1, "dead": 0}


def test_depths_can_be_asked_of_some_types_only(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1, job_type="entities"), a_job(2, job_type="count")])

    assert list(ledger.depths(["triage", "count", "never_seen"])) == ["count", "triage"]


def test_the_oldest_job_counts_from_when_it_was_made_ready_until_it_is_claimed(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job(0)])
    house.passes(200)
    ledger.release([a_job(1), a_job(9, job_type="entities")])
    assert 200 <= ledger.depths()["triage"]["oldest_ms"] < 60_000

    ledger.take_ready(10)
    house.passes(100)
    ages = ledger.depths()
    assert 300 <= ages["triage"]["oldest_ms"] < 60_000
    assert ages["entities"]["oldest_ms"] <= ages["triage"]["oldest_ms"] - 200

    claimed(ledger, a_job(0))
    assert 100 <= ledger.depths()["triage"]["oldest_ms"] <= ages["triage"]["oldest_ms"]
    claimed(ledger, a_job(1))
    assert ledger.depths()["triage"]["oldest_ms"] == 0


def test_a_job_that_was_sent_again_is_as_old_as_before(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job(0)])
    ledger.take_ready(10)
    for silence in (1, 2):
        house.passes(100 * silence)
        assert ledger.sweep(100) == [("triage", "r1.s1.0")]
    ledger.release([a_job(1)])
    ledger.take_ready(10)
    assert ledger.depths()["triage"]["oldest_ms"] >= 300


def test_a_job_that_is_ready_once_more_is_as_old_as_its_last_attempt(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    house.passes(1_000)
    committed_ms = house.now_ms()
    ledger.commit(failure_of(claim, retryable=True), claim.token)
    assert ledger.depths()["triage"]["oldest_ms"] <= house.now_ms() - committed_ms


def test_an_outcome_counts_as_unacknowledged_until_it_is(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job(0), a_job(1)], [])
    for index in (0, 1):
        claim = claimed(ledger, a_job(index))
        ledger.commit(success_of(claim), claim.token)
    assert ledger.unacknowledged() == 2

    entries = ledger.outcomes("c1", 10, 0)
    assert ledger.unacknowledged() == 2
    ledger.acknowledge([entry_id for entry_id, _ in entries[:1]])
    assert ledger.unacknowledged() == 1


def test_waiting_for_ready_jobs_ends_when_one_is_released(ledger: Ledger) -> None:
    ledger.wait_ready(1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        ledger.release([a_job()])
        waiting.result(timeout=30)


def test_waiting_for_ready_jobs_ends_when_half_of_a_full_window_is_claimed(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(6)])
    ledger.take_ready(4)
    ledger.wait_ready(1_000)  # at once, as something was released
    claimed(ledger, a_job(0))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
        claimed(ledger, a_job(1))
        waiting.result(timeout=30)
    assert ledger.take_ready(4) == [("triage", "r1.s1.4"), ("triage", "r1.s1.5")]


def test_a_window_that_took_all_that_was_ready_is_refilled_by_what_is_released_next(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    ledger.take_ready(2)
    ledger.wait_ready(1_000)  # at once, as something was released
    claimed(ledger, a_job(0))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.wait_ready, 60_000)
        ledger.release([a_job(2)])
        waiting.result(timeout=30)
    assert ledger.take_ready(2) == [("triage", "r1.s1.2")]


# -- claim, renew, commit --


def test_a_claim_hands_out_the_job_and_counts_the_attempt(house: House) -> None:
    house.ledger.release([a_job()])
    house.passes(30)

    claim = claimed(house.ledger, a_job())

    assert claim.job == a_job()
    assert claim.attempt == 1
    assert claim.wait_ms >= 30
    status = house.ledger.job(claim.job.id)
    assert status is not None
    assert (status.state, status.attempt, status.worker) == (JobState.RUNNING, 1, "w1")


def test_an_unknown_job_is_refused(ledger: Ledger) -> None:
    assert ledger.claim("r9.s1.0", "w1", LEASE_MS) is Refusal.UNKNOWN
    assert ledger.job("r9.s1.0") is None


def test_a_running_job_is_refused_until_its_lease_runs_out(house: House) -> None:
    house.ledger.release([a_job()])
    first = claimed(house.ledger, a_job(), lease_ms=500)
    assert house.ledger.claim(a_job().id, "w2", LEASE_MS) is Refusal.RUNNING

    house.passes(500)
    second = claimed(house.ledger, a_job(), worker="w2")

    assert second.attempt == 2
    assert second.token != first.token


def test_of_many_racing_claims_one_wins(ledger: Ledger) -> None:
    ledger.release([a_job()])
    start = threading.Barrier(8)

    def race(worker: int) -> Claim | Refusal:
        start.wait()
        return ledger.claim(a_job().id, f"w{worker}", LEASE_MS)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(8)))

    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert answers.count(Refusal.RUNNING) == 7


def test_a_renewed_lease_keeps_the_job(house: House) -> None:
    house.ledger.release([a_job()])
    claim = claimed(house.ledger, a_job(), lease_ms=500)

    assert house.ledger.renew({claim.job.id: claim.token}, LEASE_MS) == []

    house.passes(500)
    assert house.ledger.sweep(LEASE_MS) == []
    assert house.ledger.claim(claim.job.id, "w2", LEASE_MS) is Refusal.RUNNING


def test_renewing_names_what_is_no_longer_held(ledger: Ledger) -> None:
    ledger.release([a_job(0), a_job(1)])
    kept, done = claimed(ledger, a_job(0)), claimed(ledger, a_job(1))
    ledger.commit(success_of(done), done.token)

    lost = ledger.renew({kept.job.id: kept.token, done.job.id: done.token, "r9.s1.0": "x"}, LEASE_MS)

    assert sorted(lost) == ["r1.s1.1", "r9.s1.0"]
    assert ledger.renew({}, LEASE_MS) == []
    assert ledger.renew({kept.job.id: "not the token"}, LEASE_MS) == [kept.job.id]


def test_a_commit_ends_the_job_and_reaches_the_coordinator_once(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())

    assert ledger.commit(success_of(claim), claim.token)
    assert ledger.commit(success_of(claim), claim.token)  # a repeat, its first answer lost

    assert outcomes_now(ledger) == [success_of(claim)]
    assert ledger.claim(claim.job.id, "w2", LEASE_MS) is Refusal.ENDED
    status = ledger.job(claim.job.id)
    assert status is not None
    assert status.job == a_job()
    assert status.outcome == success_of(claim)


def test_a_stale_token_cannot_commit(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job()])
    stale = claimed(ledger, a_job(), lease_ms=20)
    house.passes(20)
    fresh = claimed(ledger, a_job(), worker="w2")

    assert not ledger.commit(success_of(stale), stale.token)
    assert outcomes_now(ledger) == []
    assert ledger.commit(success_of(fresh), fresh.token)
    assert not ledger.commit(success_of(stale), stale.token)
    assert [outcome.attempt for outcome in outcomes_now(ledger)] == [2]


def test_a_commit_is_accepted_after_the_lease_if_nobody_else_claimed(house: House) -> None:
    house.ledger.release([a_job()])
    claim = claimed(house.ledger, a_job(), lease_ms=20)
    house.passes(20)
    assert house.ledger.commit(success_of(claim), claim.token)


def test_what_has_not_ended_cannot_be_committed(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    with pytest.raises(ValueError, match="that is not an end"):
        ledger.commit(success_of(claim).model_copy(update={"state": JobState.RUNNING}), claim.token)


def test_a_retryable_failure_makes_the_job_ready_again_until_attempts_are_used_up(ledger: Ledger) -> None:
    job = a_job(attempts=2)
    ledger.release([job])
    ledger.take_ready(1)
    first = claimed(ledger, job)

    assert ledger.commit(failure_of(first, retryable=True), first.token)
    assert outcomes_now(ledger) == []
    assert ledger.take_ready(1) == [("triage", job.id)]

    second = claimed(ledger, job)
    assert ledger.commit(failure_of(second, retryable=True), second.token)
    assert outcomes_now(ledger) == [failure_of(second, retryable=True)]
    assert state_of(ledger, job) is JobState.FAILED


def test_a_final_failure_ends_the_job_at_once(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    assert ledger.commit(failure_of(claim, retryable=False), claim.token)
    assert state_of(ledger, a_job()) is JobState.FAILED
    assert len(outcomes_now(ledger)) == 1


# -- outcomes --


def test_consumers_share_the_outcomes(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(4)])
    for i in range(4):
        ledger.commit(success_of(claim := claimed(ledger, a_job(i))), claim.token)

    mine, yours = ledger.outcomes("c1", 2, 0), ledger.outcomes("c2", 10, 0)

    assert [outcome.index for _, outcome in mine] == [0, 1]
    assert [outcome.index for _, outcome in yours] == [2, 3]
    assert ledger.outcomes("c1", 10, 10) == []


def test_outcomes_that_nobody_acknowledged_are_handed_out_again(house: House) -> None:
    ledger = house.ledger
    ledger.create_run(RUN, [a_job(0), a_job(1)], [])
    for i in range(2):
        ledger.commit(success_of(claim := claimed(ledger, a_job(i))), claim.token)
    [(first, _), second] = ledger.outcomes("c1", 10, 0)
    ledger.advance(RUN, [], [], [first])

    house.passes(IDLE_MS)

    assert ledger.outcomes("c2", 10, 0) == [second]
    ledger.acknowledge([second[0]])
    house.passes(IDLE_MS)
    assert ledger.outcomes("c1", 10, 0) == []


def test_waiting_for_outcomes_returns_with_the_first_one(ledger: Ledger) -> None:
    ledger.release([a_job()])
    claim = claimed(ledger, a_job())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.outcomes, "c1", 10, 30_000)
        ledger.commit(success_of(claim), claim.token)
        assert [outcome for _, outcome in waiting.result()] == [success_of(claim)]


# -- sweep --


def test_a_silent_job_is_sent_again_at_growing_intervals(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job()])
    assert ledger.sweep(400) == []
    sent = ledger.take_ready(10)
    assert ledger.sweep(5_000) == []

    house.passes(400)
    assert ledger.sweep(400) == sent
    house.passes(400)
    assert ledger.sweep(400) == []
    house.passes(400)
    assert ledger.sweep(400) == sent
    assert claimed(ledger, a_job()).attempt == 1


def test_a_job_behind_others_is_not_silent_while_they_are_claimed(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job(i) for i in range(3)])
    lost, first, behind = ledger.take_ready(1) + _next(house) + _next(house)

    house.passes(400)
    assert claimed(ledger, a_job(1)).job.id == first[1]

    assert ledger.sweep(400) == [lost]  # somebody who came after it was served: its message is not on the queue
    house.passes(400)
    assert ledger.sweep(400) == [behind]  # nobody is served any more


def test_of_jobs_put_on_the_queue_together_one_that_was_passed_over_is_silent(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job(i) for i in range(600)])
    taken = ledger.take_ready(600)
    house.passes(1000)
    for index in (0, 1, 2, 4, 5):  # the fourth was lost, and the line moves
        claimed(ledger, a_job(index))

    assert ledger.sweep(1000) == [taken[3]]


def _next(house: House) -> list[tuple[str, str]]:
    """Some time after the one before, the next job put on the queue."""
    house.passes(5)
    return house.ledger.take_ready(counts(house.ledger, "triage")["sent"] + 1)


def test_a_sweep_without_patience_sends_each_job_once(ledger: Ledger) -> None:
    ledger.release([a_job(i) for i in range(600)])
    ledger.take_ready(600)
    assert len(ledger.sweep(0)) == 600


def test_a_job_whose_lease_ran_out_is_sent_again(house: House) -> None:
    ledger = house.ledger
    ledger.release([a_job()])
    stale = claimed(ledger, a_job(), lease_ms=50)
    house.passes(50)

    assert ledger.sweep(LEASE_MS) == [("triage", a_job().id)]

    assert ledger.renew({stale.job.id: stale.token}, LEASE_MS) == [stale.job.id]
    assert not ledger.commit(success_of(stale), stale.token)
    assert claimed(ledger, a_job(), worker="w2").attempt == 2


def test_a_crash_loop_ends_as_one_dead_letter(house: House) -> None:
    ledger, job = house.ledger, a_job(attempts=3)
    ledger.release([job])
    ledger.take_ready(10)
    for attempt in (1, 2, 3):
        assert claimed(ledger, job, lease_ms=20).attempt == attempt
        house.passes(20)
        ledger.sweep(LEASE_MS)

    assert ledger.sweep(LEASE_MS) == []
    assert ledger.claim(job.id, "w1", LEASE_MS) is Refusal.ENDED
    [outcome] = outcomes_now(ledger)
    assert (outcome.state, outcome.attempt) == (JobState.DEAD, 3)
    assert outcome.failure is not None
    assert outcome.failure.message == "attempt 3 of 3 ended without an outcome"
    assert counts(ledger, "triage") == {"ready": 0, "sent": 0, "running": 0, "dead": 1}


def test_a_claim_past_the_cap_is_refused_as_dead(house: House) -> None:
    ledger, job = house.ledger, a_job(attempts=1)
    ledger.release([job])
    claimed(ledger, job, lease_ms=20)
    house.passes(20)

    assert ledger.claim(job.id, "w2", LEASE_MS) is Refusal.DEAD
    assert ledger.claim(job.id, "w2", LEASE_MS) is Refusal.ENDED
    assert [outcome.state for outcome in outcomes_now(ledger)] == [JobState.DEAD]


def test_a_claim_past_the_deadline_is_refused_as_expired(house: House) -> None:
    job = a_job(deadline_ms=house.now_ms() + 20)
    house.ledger.release([job])
    house.passes(40)

    assert house.ledger.claim(job.id, "w1", LEASE_MS) is Refusal.EXPIRED
    [outcome] = outcomes_now(house.ledger)
    assert outcome.state is JobState.EXPIRED
    assert outcome.failure is not None
    assert outcome.failure.kind is FailureKind.EXPIRED


def test_the_sweep_expires_ready_and_sent_jobs_past_their_deadline(house: House) -> None:
    ledger, deadline_ms = house.ledger, house.now_ms() + 600
    jobs = [a_job(i, deadline_ms=deadline_ms) for i in range(3)]
    ledger.release([*jobs, a_job(3)])
    assert len(ledger.take_ready(1)) == 1
    running = claimed(ledger, jobs[2])
    house.passes(640)

    ledger.sweep(LEASE_MS)

    assert sorted(outcome.index for outcome in outcomes_now(ledger)) == [0, 1]
    assert counts(ledger, "triage") == {"ready": 1, "sent": 0, "running": 1, "dead": 0}
    assert ledger.commit(success_of(running), running.token)


def test_a_lost_job_past_its_deadline_expires_instead_of_being_sent_again(house: House) -> None:
    job = a_job(deadline_ms=house.now_ms() + 500)
    house.ledger.release([job])
    claimed(house.ledger, job, lease_ms=20)
    house.passes(540)

    assert house.ledger.sweep(LEASE_MS) == []
    assert [outcome.state for outcome in outcomes_now(house.ledger)] == [JobState.EXPIRED]


# -- the rest --


def test_unicode_and_a_megabyte_of_input_survive(ledger: Ledger) -> None:
    job = a_job(input={"text": 'naïve – 数据 🐝 \u0000 \\ "' * 60_000, "none": None, "list": [], "object": {}})
    ledger.release([job])

    claim = claimed(ledger, job)
    ledger.commit(success_of(claim).model_copy(update={"output": job.input}), claim.token)

    assert claim.job == job
    assert [outcome.output for outcome in outcomes_now(ledger)] == [job.input]


def test_a_worker_is_listed_until_its_beat_is_too_old(house: House) -> None:
    house.ledger.beat("w1", {"serves": ["triage"]}, 500)
    house.ledger.beat("w2", {"serves": []}, LEASE_MS)
    assert house.ledger.workers() == {"w1": {"serves": ["triage"]}, "w2": {"serves": []}}

    house.passes(500)

    assert house.ledger.workers() == {"w2": {"serves": []}}
    house.ledger.ping()


def test_a_worker_that_has_left_is_listed_no_more(ledger: Ledger) -> None:
    ledger.beat("w1", {"serves": ["triage"]}, LEASE_MS)
    ledger.beat("w2", {"serves": []}, LEASE_MS)

    ledger.leave("w1")
    ledger.leave("nobody")

    assert ledger.workers() == {"w2": {"serves": []}}


def test_a_run_of_two_thousand_jobs_ends_with_every_result_once(ledger: Ledger) -> None:
    size = 2_000
    ledger.create_run(RUN, [], [])
    assert ledger.release(a_job(i) for i in range(size)) == size

    done = 0
    while taken := ledger.take_ready(256):
        for _, job_id in taken:
            claim = ledger.claim(job_id, "w1", LEASE_MS)
            assert isinstance(claim, Claim)
            assert ledger.commit(success_of(claim), claim.token)
        run = ledger.load_run("r1")
        assert run is not None
        entries = ledger.outcomes("c1", 500, 0)
        results = [StepResult(step_id="s1", index=outcome.index, output={"i": outcome.index}) for _, outcome in entries]
        assert ledger.advance(run, results, [], [entry for entry, _ in entries])
        done += len(entries)

    assert done == size
    assert ledger.results("r1", "s1") == {i: {"i": i} for i in range(size)}
