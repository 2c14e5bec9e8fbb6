"""Leases: two of one job in one worker, as after a cut that has healed."""

from __future__ import annotations

from collections.abc import Mapping

from infra.ledger.memory.ledger import MemoryLedger
from infra.records import Claim, Job
from workers.leases import Leases, Stop

JOB = Job(id="r1.s1.0", type="mood", input={}, run_id="r1", step_id="s1")


class Asked(MemoryLedger):
    """Notes what is to be renewed, and knows each claim of it."""

    def __init__(self) -> None:
        super().__init__()
        self.renewed: list[dict[str, str]] = []

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        self.renewed.append(dict(claims))
        return []


def claim(token: str) -> Claim:
    return Claim(job=JOB, token=token, attempt=1, wait_ms=0)


def test_an_older_lease_of_a_job_is_lost_when_its_worker_gets_a_newer_one() -> None:
    stopped: list[str] = []
    ledger = Asked()
    leases = Leases(ledger, 15, lambda claim: stopped.append(claim.token))
    with leases.keep([claim("old")]) as (old,), leases.keep([claim("new")]) as (new,):
        assert (old.stop, new.stop) == (Stop.LOST, None)
        assert old.woken
        leases.renew()
    assert stopped == ["old"]
    assert ledger.renewed == [{JOB.id: "new"}]


def test_a_newer_lease_outlasts_the_older_one() -> None:
    ledger = Asked()
    leases = Leases(ledger, 15, lambda _: None)
    with leases.keep([claim("new")]):
        with leases.keep([claim("newest")]):
            leases.close()
            leases.renew()
        assert len(leases) == 1
    assert ledger.renewed == [{JOB.id: "newest"}]
