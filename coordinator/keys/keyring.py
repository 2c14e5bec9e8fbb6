"""The keyring: makes keys, lists them, ends them, and puts new ones in the place of old ones. Knows no command."""

from __future__ import annotations

import time
from collections.abc import Collection

from coordinator.exits import Reason
from coordinator.keys.secret import digest, new_secret
from infra.access import ApiKey, KeptKey, Scope
from infra.ledger.protocols.keys import KeyStore
from infra.settings import TENANT


class KeyFault(Reason):
    """A key cannot be made or ended as it was asked."""


class Keyring:
    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def create(
        self, tenant: str, scopes: Collection[Scope], name: str = "", lifetime_s: float | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key. Returns it and its secret, which nobody can read again. Raises KeyFault."""
        if not TENANT.fullmatch(tenant):
            raise KeyFault(f"{tenant[:80]!r} is no tenant's name: 1 to 64 letters, digits, '.', '_' and '-'")
        if not scopes:
            raise KeyFault(f"a key without a scope opens nothing; scopes are {', '.join(Scope)}")
        key_id, secret = new_secret()
        ordered = tuple(scope for scope in Scope if scope in scopes)
        key = ApiKey(
            id=key_id, tenant=tenant, scopes=ordered, sha256=digest(secret), name=name[:200],
            created_ms=time.time_ns() // 1_000_000, lifetime_s=lifetime_s,
        )  # fmt: skip
        self._keys.add_key(key)
        return key, secret

    def all(self, tenant: str | None = None) -> list[KeptKey]:
        """Of one or all tenants, the oldest first."""
        return [kept for kept in self._keys.api_keys() if tenant in (None, kept.key.tenant)]

    def revoke(self, key_id: str) -> None:
        """End a key now. Raises KeyFault."""
        if not self._keys.end_key(key_id):
            raise _unknown(key_id)

    def rotate(self, key_id: str, overlap_s: float) -> tuple[ApiKey, str]:
        """Make a key like another one, which ends after `overlap_s`. Raises KeyFault."""
        kept = self._keys.api_key(key_id)
        if kept is None:
            raise _unknown(key_id)
        if kept.left_s is not None and kept.left_s <= 0:
            raise KeyFault(f"the key {key_id} has ended; make a new one with `manyhands keys create`")
        old = kept.key
        made = self.create(old.tenant, old.scopes, old.name, old.lifetime_s)
        self._keys.end_key(key_id, overlap_s)
        return made


def _unknown(key_id: str) -> KeyFault:
    return KeyFault(f"there is no key {key_id[:80]!r}; `manyhands keys list` names those that there are")
