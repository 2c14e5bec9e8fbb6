"""What tenants have taken of their quotas, on Redis: in sliding windows of the library `limits`.

The library asks once for each window. Here the same scripts of it are sent together, in one round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

from infra.access import Spend, Spent, Window
from infra.ledger.redis.client import answered
from infra.ledger.redis.store import RedisStore

if TYPE_CHECKING:
    from limits.storage import RedisStorage

#: The limit of a window that is to take whatever comes.
NO_LIMIT = 2**53


class RedisQuotas(RedisStore):
    @answered
    def spend(self, tenant: str, run_id: str, spends: Sequence[Spend], running: int | None) -> Spent:
        """All are taken at first. Where one had no room, the others are given back, in a second round trip."""
        takes = [self._take(tenant, each, each.limit, each.amount) for each in spends]
        looks = [self._look(tenant, each) for each in spends]
        enters = [] if running is None else [self._enter(tenant, run_id, running)]
        answers = self._evaluate([*takes, *looks, *enters])
        taken, windows = answers[: len(spends)], [_window(each) for each in answers[len(spends) : 2 * len(spends)]]
        entered, count, is_new = answers[-1] if enters else (1, 0, 0)
        refused = [place for place, ok in enumerate(taken) if not ok]
        if refused or not entered:
            self._undo(tenant, [each for each, ok in zip(spends, taken, strict=True) if ok])
            if is_new:
                self._redis.zrem(self._key("going", tenant), run_id)
        return Spent(windows, refused, bool(entered), count)

    @answered
    def charge(self, tenant: str, spends: Sequence[Spend]) -> None:
        self._evaluate([self._take(tenant, each, NO_LIMIT, each.amount) for each in spends])

    @answered
    def give_back(self, tenant: str, run_id: str, spends: Sequence[Spend]) -> None:
        self._undo(tenant, spends)
        self._redis.zrem(self._key("going", tenant), run_id)

    def _undo(self, tenant: str, spends: Sequence[Spend]) -> None:
        if spends:
            self._evaluate([self._take(tenant, each, NO_LIMIT, -each.amount) for each in spends])

    @cached_property
    def _windows(self) -> RedisStorage:
        """Loaded where a tenant has a quota: no other process needs the library."""
        from limits.storage import RedisStorage

        return RedisStorage("redis://", self._redis.connection_pool, key_prefix=self._key("quota"))

    def _take(self, tenant: str, spend: Spend, limit: int, amount: int) -> _Call:
        return self._windows.lua_acquire_sliding_window, self._keys_of(tenant, spend), [limit, spend.window_s, amount]

    def _look(self, tenant: str, spend: Spend) -> _Call:
        return self._windows.lua_sliding_window, self._keys_of(tenant, spend), [spend.window_s]

    def _enter(self, tenant: str, run_id: str, most: int) -> _Call:
        return self._scripts["enter_run"], [self._prefix], [self._retention_s, tenant, run_id, most]

    def _keys_of(self, tenant: str, spend: Spend) -> list[str]:
        """The earlier window and the current one, as the library names them."""
        storage, name = self._windows, f"{tenant}/{spend.name}"
        both = (storage._previous_window_key(name), storage._current_window_key(name))
        return [storage.prefixed_key(each) for each in both]

    def _evaluate(self, calls: Sequence[_Call]) -> list[Any]:
        """One round trip; redis-py's own way to send scripts together asks first whether Redis knows them."""
        try:
            return self._evaluate_once(calls)
        except NoScriptError:  # none of them ran, or those that did are taken once more than they should be
            for script in {script.sha: script for script, _, _ in calls}.values():
                self._redis.script_load(script.script)
            return self._evaluate_once(calls)

    def _evaluate_once(self, calls: Sequence[_Call]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipe:
            for script, keys, arguments in calls:
                pipe.evalsha(script.sha, len(keys), *keys, *arguments)
            answers: list[Any] = pipe.execute()
            return answers


_Call = tuple[Any, list[str], list[Any]]  #: a script, its keys and its arguments


def _window(answer: Sequence[Any]) -> Window:
    earlier, earlier_ms, current, current_ms = answer
    return Window(int(earlier or 0), max(0, earlier_ms) / 1000, int(current or 0), max(0, current_ms) / 1000)
