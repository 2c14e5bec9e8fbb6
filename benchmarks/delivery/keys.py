"""Keys of Redis that never expire, by pattern; a number of such keys that grows, grows for ever. Knows no benchmark."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import redis

from benchmarks.delivery.tables import Row

SCANNED = 500
#: Parts of keys that name one of many, and the placeholder for each.
NAMES = ((r"[0-9a-f]{32}\.\w+\.\d+", "J"), (r"[0-9a-f]{32,64}", "R"), (r"tenant-\w+", "N"), (r"@[\w.-]+", "@host"))
#: The command that counts the elements of a key of each type.
COUNTS = {"list": "LLEN", "zset": "ZCARD", "hash": "HLEN", "set": "SCARD", "stream": "XLEN"}
#: (number of keys, number of the elements that they hold).
Count = tuple[int, int]


def for_ever(client: redis.Redis) -> dict[str, Count]:
    """Pattern of keys -> how many of them do not expire, and how many elements these hold."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for key, held in _unexpiring(client):
        found[pattern(key)].append(held)
    return {name: (len(helds), sum(helds)) for name, helds in found.items()}


def _unexpiring(client: redis.Redis) -> Iterator[tuple[str, int]]:
    asked: Any = client  # redis-py types its replies as "awaitable or not"
    keys = list(asked.scan_iter(count=SCANNED))
    for start in range(0, len(keys), SCANNED):
        some = keys[start : start + SCANNED]
        with asked.pipeline(transaction=False) as pipe:
            for key in some:
                pipe.ttl(key)
                pipe.type(key)
            replies = pipe.execute()
        for key, ttl_s, kind in zip(some, replies[::2], replies[1::2], strict=True):
            if ttl_s == -1:
                yield key, int(asked.execute_command(COUNTS[kind], key)) if kind in COUNTS else 1


def pattern(key: str) -> str:
    for one, name in NAMES:
        key = re.sub(one, name, key)
    return key


def key_rows(middle: dict[str, Count], end: dict[str, Count], last: dict[str, Count]) -> list[Row]:
    return [
        {
            "key": name,
            **{
                f"{when} {what}": each.get(name, (0, 0))[n]
                for when, each in (("middle", middle), ("end", end), ("last", last))
                for n, what in enumerate(("keys", "held"))
            },
        }
        for name in sorted({*middle, *end, *last})
    ]
