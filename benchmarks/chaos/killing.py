"""One round of chaos: goals are submitted while processes are killed, until all have ended or hang; then a verdict."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import redis

from benchmarks.chaos.blows import COUNTED, Blows, Odds
from benchmarks.chaos.goals.goals import Asked
from benchmarks.chaos.goals.mix import goals
from benchmarks.chaos.goals.types import ALL, write_types
from benchmarks.chaos.load import Load, OpenDoor
from benchmarks.chaos.operator import Operator
from benchmarks.chaos.processes.cluster import FAST, ChaosCluster
from benchmarks.chaos.verdict.audit import Audit, Journals
from benchmarks.chaos.verdict.evidence import Evidence
from benchmarks.chaos.verdict.figures import figures_of
from benchmarks.chaos.verdict.remains import left
from benchmarks.chaos.verdict.verdict import Violation, judge
from coordinator.goals.goals import Goals
from coordinator.goals.letters import Letters
from infra.ledger.redis.client import connect
from specialists.catalog import load_catalog

LOOK_S = 0.05
AUDIT_S = 0.5
TELL_S = 15.0
RUNAWAY = 10
OFTEN = 3  #: kills of a kind, after which at least one must have hit a process that held something


@dataclass(frozen=True)
class Round:
    """The parameters of a round."""

    jobs: int
    seed: int
    seconds: float = 10.0  #: the killing lasts at least this long, and until all goals were submitted
    every_s: float = 1.0
    share: float = 0.9  #: the killing also lasts until this share of the jobs has ended
    bound_s: float = 120.0  #: after the killing, everything must end within this time
    still_s: float = 60.0  #: goals that have not ended count as hanging if nothing has moved for this time
    workers: int = 4
    coordinators: int = 2
    plant: str | None = None
    odds: Odds = field(default_factory=Odds)
    given: Mapping[str, Any] = field(default_factory=lambda: dict(FAST))


#: A round for planted faults, which show soon; with them some goals never end.
PLANTED = Round(
    jobs=300, seed=0, seconds=12, every_s=2, share=0, bound_s=20, still_s=15,
    odds=Odds(2, 1, 1, freeze=1, vanish=1),
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    figures: dict[str, object]
    violations: list[Violation]

    def kinds(self) -> Counter[str]:
        return Counter(violation.kind for violation in self.violations)


def play(folder: Path, game: Round) -> Report:
    write_types(folder / "specialists")
    chance = Random(game.seed)
    return torment(folder, game, chance, ALL, goals(game.jobs, chance))


def torment(folder: Path, game: Round, chance: Random, job_types: Sequence[str], asked: Sequence[Asked]) -> Report:
    with ChaosCluster(folder, game.given, game.plant) as cluster:
        for _ in range(game.workers):
            cluster.seat("worker", job_types)
        for _ in range(game.coordinators):
            cluster.seat("coordinator")
        cluster.await_workers()
        with connect(cluster.settings) as client:
            return _Torment(game, chance, job_types).of(cluster, Audit(client, cluster.settings.prefix), asked)


class _Torment:
    def __init__(self, game: Round, chance: Random, job_types: Sequence[str]) -> None:
        self._game = game
        self._chance = chance
        self._job_types = job_types

    def of(self, cluster: ChaosCluster, audit: Audit, asked: Sequence[Asked]) -> Report:
        catalog = load_catalog(cluster.settings.specialists, adapters=False)
        door = OpenDoor(cluster.ledger, catalog, cluster.settings)
        takes = Goals(cluster.ledger, catalog, cluster.settings, door=door)
        letters = Letters(cluster.ledger, catalog, takes)
        blows = Blows(cluster, self._chance, self._game.odds, audit)
        began = time.monotonic()
        with ExitStack() as stack:
            load = stack.enter_context(Load(takes, asked, self._game.seconds, lambda jobs: jobs - audit.ended))
            operator = stack.enter_context(
                Operator(takes, letters, cluster.ledger, load.accepted, cluster.folder, self._job_types)
            )
            self._kill(cluster, audit, load, blows)
            killing_s = time.monotonic() - began
            operator.calm_down()
            self._await_ends(cluster, takes, audit, load, operator)
        seconds = time.monotonic() - began
        blows.close()
        evidence = Evidence(Audit(audit.client, cluster.settings.prefix).read())
        journals = Journals(cluster.folder)
        violations = judge(
            cluster.ledger, takes, load.accepted, evidence, journals, cluster.outages, operator.interventions
        )
        if not any(violation.kind == "hanging" for violation in violations):
            violations += _left(audit.client, cluster.settings.prefix)
        violations += _idle(blows)
        figures = figures_of(cluster, load, blows, evidence, journals) | operator.interventions.count
        times = {"seconds of killing": round(killing_s, 1), "seconds in all": round(seconds, 1)}
        return Report({**figures, **times, "jobs/s": round(audit.ended / seconds, 1)}, violations)

    def _kill(self, cluster: ChaosCluster, audit: Audit, load: Load, blows: Blows) -> None:
        """Strike until the goals are submitted and most of their jobs have ended, or until nothing moves any more."""
        game, now = self._game, time.monotonic()
        until, strike_at, still, tell = now + game.seconds, now, _Still(game.still_s), _every(TELL_S)
        while self._goes_on(load, audit, blows, now - until):
            if still.since(audit.length) or _runs_away(audit, load):
                return
            if now >= strike_at:
                blows.strike()
                strike_at = now + game.every_s
            _rest(cluster, audit)
            blows.freeze_due(audit.at_work())
            now = time.monotonic()
            tell(f"{load.jobs} jobs handed in, {audit.ended} ended")

    def _goes_on(self, load: Load, audit: Audit, blows: Blows, late_s: float) -> bool:
        """`late_s` counts from the time that the killing lasts at least. Twice that time is spent where a kind of
        process was not killed yet with work in hand.
        """
        if not load.done or late_s < 0 or audit.ended < self._game.share * load.jobs:
            return True
        return bool(blows.owed) and late_s < self._game.seconds and audit.ended < load.jobs

    def _await_ends(self, cluster: ChaosCluster, takes: Goals, audit: Audit, load: Load, operator: Operator) -> None:
        """Wait until all runs have ended and left nothing, until nothing moves, or until the time is over."""
        until, still = time.monotonic() + self._game.bound_s, _Still(self._game.still_s)
        while time.monotonic() < until and not still.since(audit.length) and not _runs_away(audit, load):
            _rest(cluster, audit)
            ended = load.done and operator.done and all(run.state.ended for run in takes.recent(100_000))
            if ended and not left(audit.client, cluster.settings.prefix):
                return


def _left(client: redis.Redis, prefix: str) -> list[Violation]:
    return [Violation("left", f"key {key}") for key in left(client, prefix)]


def _idle(blows: Blows) -> list[Violation]:
    return [
        Violation("idle", f"{killed}: {blows.count[killed]} times, and each time they held nothing")
        for killed, held in COUNTED.values()
        if blows.count[killed] >= OFTEN and not blows.count[held]
    ]


def _runs_away(audit: Audit, load: Load) -> bool:
    """Whether the audit has far more ends of jobs than re-runs can make, because jobs end over and over."""
    return audit.ended > RUNAWAY * (load.jobs + 100)


class _Still:
    """Notices that a number has stayed the same for too long."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._number = 0
        self._changed = time.monotonic()

    def since(self, number: int) -> bool:
        if number != self._number:
            self._number, self._changed = number, time.monotonic()
        return time.monotonic() - self._changed > self._seconds


def _every(seconds: float) -> Callable[[str], None]:
    """Return a function that prints its argument, at most once in `seconds`."""
    told = began = time.monotonic()

    def tell(sentence: str) -> None:
        nonlocal told
        if time.monotonic() - told >= seconds:
            told = time.monotonic()
            print(f"  after {told - began:.0f} s: {sentence}", flush=True)

    return tell


def _rest(cluster: ChaosCluster, audit: Audit) -> None:
    until = time.monotonic() + AUDIT_S
    with suppress(redis.RedisError):  # Redis is down; its entries are read later
        audit.read()
    while time.monotonic() < until:
        cluster.mend()
        time.sleep(LOOK_S)
