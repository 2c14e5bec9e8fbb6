"""How many replicas an engine should have. Decides only; knows no Ray, no clock and no requests."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

#: A replica is trusted to work off this many full batches before another one is worth its start.
ROUNDS = 2


@dataclass(frozen=True)
class Rules:
    least: int
    most: int
    slots: int  #: requests that one replica works on at a time
    patience_s: float = 5.0  #: work that has waited for longer asks for one more replica
    quiet_s: float = 60.0  #: fewer replicas must have been enough for this long before any is stopped


@dataclass(frozen=True)
class Load:
    running: int  #: requests in the replicas
    waiting: int  #: requests and jobs that no replica has yet
    oldest_s: float  #: how long the oldest of these has waited


def target(replicas: int, starting: int, load: Load, quiet_s: float, rules: Rules) -> int:
    """How many replicas there should be. Now there are `replicas`, of which `starting` take no requests yet.

    `quiet_s`: how long `enough` has been below the number that there is. Work that has waited long asks for one replica
    at a time: while one starts, it is given time to help.
    """
    wanted = ceil((load.running + load.waiting) / (rules.slots * ROUNDS))
    if load.waiting and load.oldest_s > rules.patience_s and not starting:
        wanted = max(wanted, replicas + 1)
    if wanted < replicas:
        wanted = min(replicas, enough(load, rules)) if quiet_s >= rules.quiet_s else replicas
    return min(max(wanted, rules.least), rules.most)


def enough(load: Load, rules: Rules) -> int:
    """The number of replicas that could work on everything at once, within the bounds."""
    return min(max(ceil((load.running + load.waiting) / rules.slots), rules.least), rules.most)
