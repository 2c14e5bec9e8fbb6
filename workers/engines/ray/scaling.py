"""How many replicas an engine should have. Decides only; knows no Ray, no clock and no requests."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

#: A replica is trusted to work off so many full batches before another one is worth its start.
ROUNDS = 2


@dataclass(frozen=True)
class Rules:
    least: int
    most: int
    slots: int  #: requests that one replica works on at a time
    patience_s: float = 5.0  #: work that has waited for longer asks for one replica more
    quiet_s: float = 60.0  #: fewer replicas must have been enough for so long before any is stopped


@dataclass(frozen=True)
class Load:
    running: int  #: requests in the replicas
    waiting: int  #: requests and jobs that no replica has yet
    oldest_s: float  #: for how long the oldest of them has waited


def target(replicas: int, starting: int, load: Load, quiet_s: float, rules: Rules) -> int:
    """How many there should be of now `replicas`, of which `starting` cannot take requests yet.

    `quiet_s`: for how long `enough` has been below what there is. Old work asks for one replica at a time: while one
    starts, it is given the time to help.
    """
    wanted = ceil((load.running + load.waiting) / (rules.slots * ROUNDS))
    if load.waiting and load.oldest_s > rules.patience_s and not starting:
        wanted = max(wanted, replicas + 1)
    if wanted < replicas:
        wanted = min(replicas, enough(load, rules)) if quiet_s >= rules.quiet_s else replicas
    return min(max(wanted, rules.least), rules.most)


def enough(load: Load, rules: Rules) -> int:
    """Replicas that could work on all of it at once, within the bounds."""
    return min(max(ceil((load.running + load.waiting) / rules.slots), rules.least), rules.most)
