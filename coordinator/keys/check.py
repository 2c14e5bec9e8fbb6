"""Checks the secrets that requests bring. A key that was just seen costs no read of the ledger. Knows no HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from coordinator.keys.caller import Caller, current
from coordinator.keys.secret import digest, id_of, is_same
from infra.ledger.protocols.keys import KeyReader

#: For how long a key is taken as it was when it was last looked up. A key that was ended is refused after it at latest.
KEPT_S = 5.0
#: How many keys are remembered.
MOST = 10_000


class KeyRefused(Exception):
    """The secret opens nothing. The message says why, and never quotes it."""


class KeyCheck:
    def __init__(self, keys: KeyReader, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._seen: dict[str, _Seen] = {}  #: by the secret's digest

    def known(self, secret: str) -> Caller | None:
        """The caller, if the key was looked up a moment ago. Asks nobody."""
        seen = self._seen.get(digest(secret))
        return replace(seen.caller) if seen and self._clock() < seen.until_s else None

    def look_up(self, secret: str) -> Caller:
        """The caller, by one read of the ledger. Raises KeyRefused, LedgerUnavailable."""
        key_id, now_s = id_of(secret), self._clock()
        if key_id is None:
            raise KeyRefused("it has not the form of a key, which is mh_<id>_<secret>")
        kept = self._keys.api_key(key_id)
        if kept is None or not is_same(kept.key.sha256, secret):
            raise KeyRefused("there is no such key")
        left_s = kept.left_s
        if left_s is not None and left_s <= 0:
            self._seen.pop(kept.key.sha256, None)
            raise KeyRefused(f"the key {key_id} has ended: it has expired, or it was revoked or rotated")
        caller = Caller(
            kept.key.tenant, frozenset(kept.key.scopes), key_id, lambda: self.known(secret) or self.look_up(secret)
        )
        self._remember(kept.key.sha256, _Seen(caller, now_s + (KEPT_S if left_s is None else min(KEPT_S, left_s))))
        return replace(caller)

    def _remember(self, sha256: str, seen: _Seen) -> None:
        if len(self._seen) >= MOST:
            self._seen = {}
        self._seen[sha256] = seen


def check_again() -> None:
    """Look whether the caller's key is still good, for a request that goes on for long. Raises KeyRefused."""
    caller = current()
    if caller and caller.check:
        caller.check()


@dataclass(frozen=True)
class _Seen:
    caller: Caller
    until_s: float  #: by the clock of this process
