"""The keys that the ledger must not hold once all goals have ended. It reads the keys that `common.lua` lists."""

from __future__ import annotations

import redis

#: Keys of waiting and running work, and of work that is still to be done about it.
KEYS = (
    "line:*", "pending:*", "sent:*", "running:*", "deadlines", "leader:*", "behind:*", "answered:*", "settling",
    "open:*", "closing", "reopened:*", "reopening",
)  # fmt: skip


def left(client: redis.Redis, prefix: str) -> list[str]:
    """Return the keys that should be gone. It raises redis.RedisError."""
    found = [name for key in KEYS for name in client.scan_iter(f"{prefix}:{key}", count=10_000)]
    return found + [name for name in client.scan_iter(f"{prefix}:load:*") if _waits(client, name)]


def _waits(client: redis.Redis, load: str) -> bool:
    """Whether the load counts tokens as waiting."""
    return float(client.hget(load, "waiting") or 0) != 0
