"""Jobs that ask the same share one output, where their specialist allows it."""

from __future__ import annotations

from infra.ledger.protocol import Ledger
from infra.records import Alternative, JobState, Refusal, Reuse, Usage
from tests.contracts.ledger.given import (
    LEASE_MS,
    RUN,
    TimedLedger,
    a_job,
    claimed,
    counts,
    end_run,
    failed,
    failure_of,
    outcomes_now,
    state_of,
    succeeded,
    success_of,
)

UNIQUE = Reuse(key="k", digest="d", unique=True)
CACHED = Reuse(key="k", digest="d", cache_s=60)


def test_a_job_that_asks_the_same_waits_for_the_first_and_gets_its_output(ledger: Ledger) -> None:
    jobs = [a_job(i, reuse=UNIQUE, round=i) for i in range(3)]
    ledger.release(jobs)
    assert counts(ledger) == {"ready": 1, "pending": 2}

    first = succeeded(ledger, jobs[0], "d")

    same = [
        first.model_copy(
            update={"job_id": job.id, "index": job.index, "attempt": 0, "round": job.round, "same_as": jobs[0].id}
        )
        for job in jobs[1:]
    ]
    assert outcomes_now(ledger) == [first, *same]
    assert [state_of(ledger, job) for job in jobs] == [JobState.SUCCEEDED] * 3
    assert counts(ledger) == {}
    assert ledger.take_ready(10) == []


def test_a_job_that_waits_for_another_cannot_be_claimed(ledger: Ledger) -> None:
    ledger.release([a_job(i, reuse=UNIQUE) for i in range(2)])

    assert ledger.claim(a_job(1).id, "w1", LEASE_MS) is Refusal.PAUSED

    assert counts(ledger) == {"ready": 1, "pending": 1}


def test_jobs_that_ask_something_else_do_not_wait(ledger: Ledger) -> None:
    other = Reuse(key="other", digest="d", unique=True)
    ledger.release([a_job(0, reuse=UNIQUE), a_job(1, reuse=other), a_job(2), a_job(3, reuse=CACHED)])

    assert len(ledger.take_ready(10)) == 4


def test_if_the_first_fails_the_next_does_it(ledger: Ledger) -> None:
    jobs = [a_job(i, reuse=UNIQUE) for i in range(3)]
    ledger.release(jobs)
    ledger.take_ready(10)
    failed(ledger, jobs[0])

    assert ledger.take_ready(10) == [("triage", jobs[1].id)]
    assert counts(ledger) == {"sent": 1, "pending": 1, "failed": 1}
    succeeded(ledger, jobs[1], "d")

    assert [outcome.same_as for outcome in outcomes_now(ledger)] == [None, None, jobs[1].id]


def test_while_the_first_waits_for_its_next_attempt_the_others_wait(ledger: Ledger) -> None:
    ledger.release([a_job(i, reuse=UNIQUE) for i in range(2)])
    claim = claimed(ledger, a_job(0))
    ledger.commit(failure_of(claim), claim.token, 60_000)

    assert counts(ledger) == {"pending": 2}
    assert ledger.take_ready(10) == []


def test_an_output_of_another_specialist_answers_nobody_else(ledger: Ledger) -> None:
    both = Reuse(key="k", digest="d", unique=True, cache_s=60)
    ledger.release([a_job(i, reuse=both) for i in range(2)])
    ledger.take_ready(10)

    succeeded(ledger, a_job(0), "upgraded")

    assert ledger.take_ready(10) == [("triage", a_job(1).id)]
    assert ledger.release([a_job(2, reuse=both)]) == 1
    assert counts(ledger) == {"sent": 1, "pending": 1}


def test_if_the_first_is_cancelled_or_expires_the_next_does_it(timed: TimedLedger) -> None:
    ledger = timed.ledger
    jobs = [a_job(0, reuse=UNIQUE), a_job(1, reuse=UNIQUE, deadline_ms=timed.now_ms() + 400), a_job(2, reuse=UNIQUE)]
    ledger.release(jobs)
    ledger.cancel([jobs[0].id])
    assert ledger.take_ready(10) == [("triage", jobs[1].id)]

    timed.passes(400)
    ledger.sweep(LEASE_MS)

    assert ledger.take_ready(10) == [("triage", jobs[2].id)]
    assert [outcome.state for outcome in outcomes_now(ledger)] == [JobState.CANCELLED, JobState.EXPIRED]


def test_if_the_run_of_the_first_ends_the_next_does_it(ledger: Ledger) -> None:
    ledger.create_run(RUN, [a_job(0, reuse=UNIQUE), a_job(1, reuse=UNIQUE)], [])
    other = a_job(0, run_id="r2", reuse=UNIQUE)
    ledger.release([other])

    end_run(ledger)

    assert ledger.take_ready(10) == [("triage", other.id)]
    assert state_of(ledger, a_job(1)) is JobState.CANCELLED


def test_jobs_that_wait_for_another_expire_and_are_cancelled(timed: TimedLedger) -> None:
    ledger = timed.ledger
    late = a_job(1, reuse=UNIQUE, deadline_ms=timed.now_ms() + 20)
    ledger.release([a_job(0, reuse=UNIQUE), late, a_job(2, reuse=UNIQUE)])
    timed.passes(20)

    ledger.sweep(LEASE_MS)
    assert ledger.cancel([a_job(2).id]) == 1
    succeeded(ledger, a_job(0), "d")

    assert [(outcome.index, outcome.state) for outcome in outcomes_now(ledger)] == [
        (1, JobState.EXPIRED),
        (2, JobState.CANCELLED),
        (0, JobState.SUCCEEDED),
    ]


def test_the_first_and_those_behind_it_may_expire_in_one_sweep(timed: TimedLedger) -> None:
    ledger, late_ms = timed.ledger, timed.now_ms() + 100
    late = [a_job(i, reuse=UNIQUE, deadline_ms=late_ms, tokens=10) for i in range(3)]
    ledger.release([*late, a_job(3, reuse=UNIQUE)])
    ledger.take_ready(10)
    timed.passes(110)

    assert ledger.sweep(LEASE_MS) == []

    assert ledger.take_ready(10) == [("triage", a_job(3).id)]
    outcomes = outcomes_now(ledger)
    assert sorted((outcome.index, outcome.state) for outcome in outcomes) == [(i, JobState.EXPIRED) for i in range(3)]
    assert counts(ledger) == {"sent": 1}
    assert ledger.loads(["triage"])["triage"].tokens == 1


def test_when_all_have_ended_the_next_one_is_the_first_again(ledger: Ledger) -> None:
    ledger.release([a_job(0, reuse=UNIQUE)])
    succeeded(ledger, a_job(0), "d")

    ledger.release([a_job(1, reuse=UNIQUE)])

    assert ledger.take_ready(10) == [("triage", a_job(1).id)]


def test_a_kept_output_answers_at_release(ledger: Ledger) -> None:
    ledger.release([a_job(0, reuse=CACHED)])
    first = succeeded(ledger, a_job(0), "d")
    assert outcomes_now(ledger) == [first]

    assert ledger.release([a_job(1, reuse=CACHED)]) == 1

    [second] = outcomes_now(ledger)
    assert (second.job_id, second.state, second.attempt, second.usage) == (a_job(1).id, JobState.SUCCEEDED, 0, Usage())
    assert (second.output, second.provenance, second.same_as) == (first.output, first.provenance, a_job(0).id)
    status = ledger.job(a_job(1).id)
    assert status is not None
    assert status.outcome == second
    assert ledger.claim(a_job(1).id, "w1", LEASE_MS) is Refusal.ENDED
    assert ledger.take_ready(10) == []


def test_what_is_kept_tells_the_alternatives_too(ledger: Ledger) -> None:
    told = {"label": (Alternative(value="refund", probability=0.9), Alternative(value=None, probability=0.1))}
    ledger.release([a_job(0, reuse=CACHED, top=2)])
    claim = claimed(ledger, a_job(0, reuse=CACHED, top=2))
    assert claim.job.top == 2
    assert ledger.commit(success_of(claim, "d").model_copy(update={"alternatives": told}), claim.token)

    ledger.release([a_job(1, reuse=CACHED, top=2), a_job(2, reuse=Reuse(key="other", digest="d", cache_s=60))])

    first, second = outcomes_now(ledger)
    assert (first.alternatives, second.alternatives, second.same_as) == (told, told, a_job(0).id)
    assert ledger.take_ready(10) == [("triage", a_job(2).id)]


def test_a_new_run_may_be_answered_by_what_is_kept(ledger: Ledger) -> None:
    ledger.release([a_job(0, reuse=CACHED)])
    succeeded(ledger, a_job(0), "d")

    ledger.create_run(RUN.model_copy(update={"id": "r2"}), [a_job(run_id="r2", reuse=CACHED)], [])

    assert [outcome.same_as for outcome in outcomes_now(ledger)] == [None, a_job(0).id]


def test_what_is_kept_answers_only_while_it_is_kept(timed: TimedLedger) -> None:
    ledger, brief = timed.ledger, Reuse(key="k", digest="d", cache_s=1)
    ledger.release([a_job(0, reuse=brief)])
    succeeded(ledger, a_job(0), "d")
    timed.passes(1_050)

    ledger.release([a_job(1, reuse=brief)])

    assert ledger.take_ready(10) == [("triage", a_job(1).id)]


def test_what_is_done_anew_is_not_answered_by_what_is_kept_and_takes_its_place(ledger: Ledger) -> None:
    ledger.release([a_job(0, reuse=CACHED)])
    succeeded(ledger, a_job(0), "d")

    ledger.release([a_job(1, reuse=CACHED.model_copy(update={"fresh": True}))])
    assert counts(ledger) == {"ready": 1}
    succeeded(ledger, a_job(1), "d")
    ledger.release([a_job(2, reuse=CACHED)])

    assert [outcome.same_as for outcome in outcomes_now(ledger)] == [None, None, a_job(1).id]


def test_a_failure_is_not_kept(ledger: Ledger) -> None:
    ledger.release([a_job(0, reuse=CACHED)])
    failed(ledger, a_job(0))

    ledger.release([a_job(1, reuse=CACHED)])

    assert counts(ledger) == {"ready": 1, "failed": 1}


def test_while_an_output_is_not_kept_jobs_that_may_be_repeated_are(ledger: Ledger) -> None:
    ledger.release([a_job(0, reuse=CACHED), a_job(1, reuse=CACHED)])
    succeeded(ledger, a_job(0), "d")
    succeeded(ledger, a_job(1), "d")

    ledger.release([a_job(2, reuse=CACHED)])

    assert [outcome.same_as for outcome in outcomes_now(ledger)] == [None, None, a_job(1).id]


def test_a_job_of_a_later_round_leaves_the_line_of_those_that_ask_the_same(ledger: Ledger) -> None:
    ledger.release([a_job(i, reuse=UNIQUE) for i in range(3)])

    ledger.release([a_job(0, round=1)])

    assert {job_id for _, job_id in ledger.take_ready(10)} == {a_job(0).id, a_job(1).id}
    succeeded(ledger, a_job(1), "d")
    assert [outcome.same_as for outcome in outcomes_now(ledger)] == [None, a_job(1).id]
