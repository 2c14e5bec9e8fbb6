"""What the ledger must not hold any more once all goals have ended. Reads its keys as `common.lua` lists them."""

from __future__ import annotations

import redis

#: Of what waits or runs, and of what is still to be done about it.
KEYS = (
    "line:*", "pending:*", "sent:*", "running:*", "deadlines", "leader:*", "behind:*", "answered:*", "settling",
    "open:*", "closing", "reopened:*", "reopening",
)  # fmt: skip


def left(client: redis.Redis, prefix: str) -> list[str]:
    """Keys that should be gone. Raises redis.RedisError."""
    found = [name for key in KEYS for name in client.scan_iter(f"{prefix}:{key}", count=10_000)]
    return found + [name for name in client.scan_iter(f"{prefix}:load:*") if _waits(client, name)]


def _waits(client: redis.Redis, load: str) -> bool:
    """Whether tokens are counted as waiting."""
    return float(client.hget(load, "waiting") or 0) != 0
