"""Who is served first: classes, and the tenants within one."""

from __future__ import annotations

from collections import Counter

from infra.ledger.protocol import Ledger
from infra.records import Claim, Job, Priority, Refusal, TypeState
from tests.contracts.ledger.given import LEASE_MS, TimedLedger, a_job, claimed, failure_of, taken


def jobs_of(tenant: str, indices: range, tokens: int = 1) -> list[Job]:
    return [a_job(i, run_id=tenant, tenant=tenant, tokens=tokens) for i in indices]


def tenants_taken(ledger: Ledger, count: int, weights: dict[str, float] | None = None) -> list[str]:
    """Whose jobs were taken; a job's run is named for its tenant here."""
    return [job_id.split(".")[0] for job_id in taken(ledger, count, weights)]


def test_a_higher_class_goes_first(ledger: Ledger) -> None:
    ledger.release([a_job(0, priority=Priority.LOW), a_job(1), a_job(2, priority=Priority.HIGH), a_job(3)])

    assert taken(ledger, 4) == [a_job(i).id for i in (2, 1, 3, 0)]


def test_a_job_that_waits_long_enough_goes_before_a_new_one_of_a_higher_class(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0, priority=Priority.LOW), a_job(1, priority=Priority.NORMAL)])
    timed.passes(600)
    ledger.release([a_job(2, priority=Priority.HIGH)])

    assert taken(ledger, 3, ageing_s=0.4) == [a_job(i).id for i in (1, 2, 0)]


def test_of_two_that_rank_the_same_the_higher_class_goes_first(timed: TimedLedger) -> None:
    ledger = timed.ledger
    ledger.release([a_job(0, priority=Priority.LOW)])
    timed.passes(5)
    ledger.release([a_job(1, priority=Priority.NORMAL)])
    timed.passes(5)

    instantly_s = 1e-320  # each ranks infinitely many classes higher
    assert taken(ledger, 2, ageing_s=instantly_s) == [a_job(1).id, a_job(0).id]


def test_tenants_share_a_line_by_their_weights(ledger: Ledger) -> None:
    for tenant in ("acme", "byte", "core"):
        ledger.release(jobs_of(tenant, range(60)))

    served = Counter(tenants_taken(ledger, 70, {"acme": 1, "byte": 2, "core": 4}))

    assert abs(served["acme"] - 10) <= 1
    assert abs(served["byte"] - 20) <= 1
    assert abs(served["core"] - 40) <= 1


def test_tenants_are_counted_in_tokens(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(5), tokens=100) + jobs_of("byte", range(50), tokens=10))

    served = Counter(tenants_taken(ledger, 22))

    assert served == {"acme": 2, "byte": 20}


def test_a_tenant_without_a_weight_counts_as_one(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(20)) + jobs_of("byte", range(20)))

    assert Counter(tenants_taken(ledger, 12, {"byte": 0.5})) == {"acme": 8, "byte": 4}


def test_the_jobs_of_one_tenant_go_in_the_order_in_which_they_became_ready(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(3, 5)))
    ledger.release(jobs_of("acme", range(3)))

    assert [job_id for _, job_id in ledger.take_ready(10)] == [f"acme.s1.{i}" for i in (3, 4, 0, 1, 2)]


def test_of_two_tenants_that_had_the_same_the_first_by_name_goes_first(ledger: Ledger) -> None:
    ledger.release(jobs_of("byte", range(2)))
    ledger.release(jobs_of("acme", range(2)))

    assert tenants_taken(ledger, 4) == ["acme", "byte", "acme", "byte"]


def test_a_tenant_that_comes_late_gets_its_share_from_now_on_and_no_more(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(60)))
    taken(ledger, 40)
    ledger.release(jobs_of("byte", range(20)))

    assert Counter(tenants_taken(ledger, 20)) == {"acme": 10, "byte": 10}


def test_a_tenant_gains_nothing_by_leaving_and_coming_back(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(1), tokens=8) + jobs_of("byte", range(12)))
    assert tenants_taken(ledger, 1) == ["acme"]  # it has had eight tokens more, and nothing left in the line
    assert tenants_taken(ledger, 2) == ["byte", "byte"]

    ledger.release(jobs_of("acme", range(1, 3)))

    assert tenants_taken(ledger, 8) == ["byte"] * 6 + ["acme", "byte"]


def test_a_tenant_that_had_nothing_to_wait_for_saves_nothing_up(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(60)) + jobs_of("byte", range(1)))
    taken(ledger, 40)  # byte's turn has come and gone, as it had nothing more

    ledger.release(jobs_of("byte", range(1, 20)))

    assert Counter(tenants_taken(ledger, 20)) == {"acme": 10, "byte": 10}


def test_each_type_has_turns_of_its_own(ledger: Ledger) -> None:
    entities = [a_job(i, run_id="acme", tenant="acme", type="entities", tokens=50) for i in range(10, 12)]
    ledger.release([*jobs_of("acme", range(2)), *jobs_of("byte", range(2)), *entities])

    ids = [job_id for job_type, job_id in ledger.take_ready(10) if job_type == "triage"]

    assert ids == ["acme.s1.0", "byte.s1.0", "acme.s1.1", "byte.s1.1"]


def test_what_leaves_the_line_without_being_sent_costs_its_tenant_nothing(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(3), tokens=10) + jobs_of("byte", range(3), tokens=10))
    ledger.cancel(["acme.s1.0", "acme.s1.1"])

    assert tenants_taken(ledger, 4) == ["acme", "byte", "byte", "byte"]


def test_a_job_that_is_handed_back_is_charged_when_it_is_taken_again(ledger: Ledger) -> None:
    acme, byte = jobs_of("acme", range(2), tokens=10), jobs_of("byte", range(2), tokens=10)
    ledger.release(acme + byte)
    for _ in range(3):
        assert ledger.take_ready(1, {"acme": 0.5}) == [("triage", acme[0].id)]
        claim = claimed(ledger, acme[0])
        ledger.hand_back(acme[0].id, claim.token)

    assert tenants_taken(ledger, 4) == ["acme", "byte", "acme", "byte"]


def test_jobs_that_a_pause_put_back_are_charged_when_they_are_taken_again(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(4)) + jobs_of("byte", range(2)))
    for _ in range(2):
        for _, job_id in ledger.take_ready(2):
            ledger.set_type_state("triage", TypeState.PAUSED)
            if job_id.startswith("acme"):
                assert ledger.claim(job_id, "w1", LEASE_MS) is Refusal.PAUSED
        ledger.set_type_state("triage", TypeState.OPEN)

    assert [job_id for _, job_id in ledger.take_ready(3)] == ["acme.s1.0", "acme.s1.1"]


def test_a_job_that_was_not_taken_since_is_charged_no_less_when_it_is_handed_back(ledger: Ledger) -> None:
    ledger.release(jobs_of("acme", range(2)) + jobs_of("byte", range(2)))
    [(_, job_id)] = ledger.take_ready(1)
    retried = ledger.claim(job_id, "w1", LEASE_MS)
    assert isinstance(retried, Claim)
    ledger.commit(failure_of(retried), retried.token, 0)
    handed = claimed(ledger, retried.job)  # an old message
    ledger.hand_back(job_id, handed.token)

    assert tenants_taken(ledger, 2) == ["byte", "acme"]
