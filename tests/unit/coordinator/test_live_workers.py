"""What live workers serve, asked of the ledger once a second."""

from __future__ import annotations

from coordinator.goals.live_workers import KEPT_S, LiveWorkers
from infra.ledger.memory.ledger import MemoryLedger
from infra.records import Json


class Counting(MemoryLedger):
    asked = 0

    def workers(self) -> dict[str, Json]:
        self.asked += 1
        return super().workers()


def test_the_ledger_is_asked_once_a_second_however_many_look() -> None:
    now = 0.0
    ledger = Counting()
    live = LiveWorkers(ledger, lambda: now)
    assert [live.served() for _ in range(20)] == [{}] * 20
    assert ledger.asked == 1

    ledger.beat("w1", {"serves": {"triage": "1.0.0"}, "schemas": {"triage": "abc"}}, 60_000)
    now = KEPT_S - 0.01
    assert live.served() == {}
    now = KEPT_S
    assert live.served() == {"triage": {"abc": "1.0.0"}}
    assert ledger.asked == 2
