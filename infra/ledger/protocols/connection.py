"""The connection to the ledger: whether it answers, and its end."""

from __future__ import annotations

from typing import Protocol


class LedgerPulse(Protocol):
    """Whether the ledger answers."""

    def ping(self) -> None:
        """Return if the ledger answers; raise LedgerUnavailable otherwise."""


class LedgerConnection(LedgerPulse, Protocol):
    """The connection as the process owns it that has opened it."""

    def close(self) -> None:
        """Give back what the connection holds."""
