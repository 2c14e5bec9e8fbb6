"""Idempotency keys: a request that is sent twice makes one run."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from infra.ledger.protocol import Ledger
from infra.records import Event, Idempotency, Prior, RunRecord
from tests.contracts.ledger.given import RUN, TimedLedger, a_job, counts, recent

KEY = Idempotency(key="acme:1", fingerprint="f1", keep_s=1)


def other(run_id: str) -> RunRecord:
    return RUN.model_copy(update={"id": run_id})


def test_a_key_that_was_used_says_what_for_and_makes_nothing(ledger: Ledger) -> None:
    assert ledger.find_key("acme:1") is None
    assert ledger.create_run(RUN, [a_job()], [], KEY) is None

    late = KEY.model_copy(update={"fingerprint": "f2"})
    prior = ledger.create_run(other("r2"), [a_job(run_id="r2")], [Event(name="e", data={})], late)

    assert prior == Prior(run_id="r1", fingerprint="f1")
    assert ledger.find_key("acme:1") == prior
    assert ledger.load_run("r2") is None
    assert ledger.job(a_job(run_id="r2").id) is None
    assert ledger.events("r2") == []
    assert [run.id for run in recent(ledger)] == ["r1"]


def test_another_key_or_none_makes_another_run(ledger: Ledger) -> None:
    ledger.create_run(RUN, [], [], KEY)

    assert ledger.create_run(other("r2"), [], [], KEY.model_copy(update={"key": "byte:1"})) is None
    assert ledger.create_run(other("r3"), [], []) is None

    assert len(recent(ledger)) == 3


def test_repeating_the_same_creation_is_no_second_use_of_its_key(ledger: Ledger) -> None:
    assert ledger.create_run(RUN, [a_job()], [], KEY) is None
    assert ledger.create_run(RUN, [a_job()], [], KEY) is None

    assert counts(ledger) == {"ready": 1}


def test_a_key_is_forgotten_in_time(timed: TimedLedger) -> None:
    timed.ledger.create_run(RUN, [], [], KEY)
    timed.passes(1_050)

    assert timed.ledger.find_key("acme:1") is None
    assert timed.ledger.create_run(other("r2"), [], [], KEY) is None
    assert timed.ledger.find_key("acme:1") == Prior(run_id="r2", fingerprint="f1")


def test_of_many_racing_requests_with_one_key_one_makes_a_run(ledger: Ledger) -> None:
    start = threading.Barrier(8)

    def race(index: int) -> Prior | None:
        start.wait()
        return ledger.create_run(other(f"r{index}"), [], [], KEY)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(race, range(8)))

    [run] = recent(ledger)
    assert answers.count(None) == 1
    assert answers.count(Prior(run_id=run.id, fingerprint="f1")) == 7
