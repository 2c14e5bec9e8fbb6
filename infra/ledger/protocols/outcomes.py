"""Outcomes: how jobs ended, handed to coordinators. Knows no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from infra.records import Outcome


class OutcomeStream(Protocol):
    """Outcomes in batches, shared among the coordinators; each is handed out until somebody acknowledges it."""

    def outcomes(self, consumer: str, limit: int, wait_ms: int) -> list[tuple[str, Outcome]]:
        """Up to `limit` outcomes that are not acknowledged yet, as (entry id, outcome).

        Entries that a consumer did not acknowledge within 5 s are handed out again soon after. Raises ValueError if
        `limit` is not above 0.
        """

    def acknowledge(self, acks: Sequence[str]) -> None:
        """Acknowledge outcome entries without a run to advance: the run is unknown, or has ended."""


class OutcomeBacklog(Protocol):
    """How far the coordinators are behind. The ledger's metrics use it."""

    def unacknowledged(self) -> int:
        """The number of outcomes that no coordinator has acknowledged yet."""
