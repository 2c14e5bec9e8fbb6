"""Keys and quotas in this process's memory: the twin of what Redis keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infra.access import ApiKey, KeptKey, Quota, Spend, Spent, Window
from infra.ledger.memory.store import MemoryStore

if TYPE_CHECKING:
    from limits.storage import MemoryStorage

#: The limit of a window that is to take whatever comes.
NO_LIMIT = 2**53


class MemoryKeys(MemoryStore):
    def add_key(self, key: ApiKey) -> None:
        with self._changed:
            self._keys[key.id] = key
            if key.lifetime_s is not None:
                self._key_ends[key.id] = self._now_ms() + round(1000 * key.lifetime_s)

    def api_key(self, key_id: str) -> KeptKey | None:
        with self._changed:
            key = self._keys.get(key_id)
            return self._kept(key) if key else None

    def api_keys(self) -> list[KeptKey]:
        with self._changed:
            return [self._kept(key) for key in sorted(self._keys.values(), key=lambda each: (each.created_ms, each.id))]

    def end_key(self, key_id: str, in_s: float = 0.0) -> bool:
        with self._changed:
            if key_id not in self._keys:
                return False
            ends_ms = self._now_ms() + round(1000 * in_s)
            self._key_ends[key_id] = min(ends_ms, self._key_ends.get(key_id, ends_ms))
            return True

    def _kept(self, key: ApiKey) -> KeptKey:
        return KeptKey(key=key, ends_ms=self._key_ends.get(key.id), now_ms=self._now_ms())

    def quota(self, tenant: str) -> Quota | None:
        with self._changed:
            return self._quotas.get(tenant)

    def quotas(self) -> dict[str, Quota]:
        with self._changed:
            return dict(sorted(self._quotas.items()))

    def set_quota(self, tenant: str, quota: Quota) -> None:
        with self._changed:
            self._quotas.pop(tenant, None)
            if not quota.bounds_nothing:
                self._quotas[tenant] = quota

    def spend(self, tenant: str, run_id: str, spends: Sequence[Spend], running: int | None) -> Spent:
        with self._changed:
            going = {each for each in self._going[tenant] if not self._runs.ended(each)}
            enters = running is None or run_id in going or len(going) < running
            taken = [self._take(tenant, each, each.limit, each.amount) for each in spends]
            refused = [place for place, ok in enumerate(taken) if not ok]
            windows = [self._look(tenant, each) for each in spends]
            if refused or not enters:
                self._undo(tenant, [each for each, ok in zip(spends, taken, strict=True) if ok])
            elif running is not None:
                going.add(run_id)
            self._going[tenant] = going
            return Spent(windows, refused, enters, 0 if running is None else len(going))

    def charge(self, tenant: str, spends: Sequence[Spend]) -> None:
        with self._changed:
            for each in spends:
                self._take(tenant, each, NO_LIMIT, each.amount)

    def give_back(self, tenant: str, run_id: str, spends: Sequence[Spend]) -> None:
        with self._changed:
            self._undo(tenant, spends)
            self._going[tenant].discard(run_id)

    def _undo(self, tenant: str, spends: Sequence[Spend]) -> None:
        for each in spends:
            self._take(tenant, each, NO_LIMIT, -each.amount)

    def _take(self, tenant: str, spend: Spend, limit: int, amount: int) -> bool:
        key = f"{tenant}/{spend.name}"
        return self._storage().acquire_sliding_window_entry(key, limit, spend.window_s, amount)

    def _look(self, tenant: str, spend: Spend) -> Window:
        return Window(*self._storage().get_sliding_window(f"{tenant}/{spend.name}", spend.window_s))

    def _storage(self) -> MemoryStorage:
        """Made where a tenant has a quota: it starts a thread."""
        from limits.storage import MemoryStorage

        if self._windows is None:
            self._windows = MemoryStorage()
        return self._windows
