"""One worker's link is cut in the middle of a job for longer than its lease, and then healed. Needs root."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.chaos.goals.goals import Asked, mapped
from benchmarks.chaos.goals.types import ALL, ANSWERS, SLOW, write_types
from benchmarks.chaos.killing import Report
from benchmarks.chaos.load import Load
from benchmarks.chaos.processes.cluster import FAST, ChaosCluster
from benchmarks.chaos.verdict.audit import Audit, Journals
from benchmarks.chaos.verdict.evidence import Evidence
from benchmarks.chaos.verdict.verdict import Violation, judge
from benchmarks.hosts import GATEWAY, Hosts, Relay
from coordinator.goals.goals import Goals
from infra.ledger.redis.client import connect
from specialists.catalog import load_catalog

WAIT_S = 90.0
LOOK_S = 0.1


def cut(folder: Path) -> Report:
    """Run two workers on separate hosts; the one that claims the job is cut off until the other has done it."""
    write_types(folder / "specialists")
    with ExitStack() as stack:
        hosts = stack.enter_context(Hosts(2))
        cluster = stack.enter_context(ChaosCluster(folder, FAST))
        relay = stack.enter_context(Relay(cluster.redis_port))
        for n in range(2):
            cluster.seat("worker", ALL, hosts.inside(n), f"redis://{GATEWAY}:{relay.port}/0")
        cluster.seat("coordinator")
        cluster.await_workers()
        audit = Audit(stack.enter_context(connect(cluster.settings)), cluster.settings.prefix)
        return _Cut(cluster, hosts, audit).report()


class _Cut:
    def __init__(self, cluster: ChaosCluster, hosts: Hosts, audit: Audit) -> None:
        self._cluster = cluster
        self._hosts = hosts
        self._audit = audit
        catalog = load_catalog(cluster.settings.specialists, adapters=False)
        self._goals = Goals(cluster.ledger, catalog, cluster.settings)

    def report(self) -> Report:
        number = 1
        asked = mapped("link cut", SLOW, "n", [number], [{"n": ANSWERS[SLOW](number)}])
        with Load(self._goals, [asked], 0, lambda _: 0) as load:
            self._await(lambda: bool(self._audit.holders), "the job is claimed")
            [claim] = self._audit.holders.values()
            host = next(n for n in range(2) if f"-{self._cluster.pid(n)}@" in claim.worker)
            self._hosts.cut(host)
            began = time.monotonic()
            self._await(lambda: self._audit.ended > 0, "another worker has done the job")
            self._hosts.heal(host)
            cut_s = time.monotonic() - began
            self._await(lambda: bool(self._journals().stale), "the commit of the worker that was cut off arrives")
            self._await(lambda: self._all_ended(load), "the goal ends")
        return self._judged(load.accepted, cut_s)

    def _judged(self, accepted: dict[str, Asked], cut_s: float) -> Report:
        evidence, journals = Evidence(Audit(self._audit.client, self._cluster.settings.prefix).read()), self._journals()
        violations = judge(self._cluster.ledger, self._goals, accepted, evidence, journals, ())
        claims = [entry for entries in evidence.by_job.values() for entry in entries if entry.what == "claim"]
        ends = [entry for entries in evidence.by_job.values() for entry in entries if entry.what == "end"]
        if not journals.stale:
            violations.append(
                Violation("blind", "the commit of the worker that was cut off never came: nothing is shown")
            )
        if not any(entry.token == claims[-1].token for entry in ends):
            violations.append(Violation("stale", "the job was not ended by its last claim"))
        figures = {
            "link cut (s)": f"{cut_s:.1f}, lease {self._cluster.settings.lease_s:g}",
            "claims of the job": len(claims),
            "ends of the job": len(ends),
            "stale commits refused": len(journals.stale),
        }
        return Report(figures, violations)

    def _journals(self) -> Journals:
        return Journals(self._cluster.folder)

    def _all_ended(self, load: Load) -> bool:
        return load.done and all(self._goals.load(run_id).state.ended for run_id in load.accepted)

    def _await(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until `holds` or the time is over; the verdict shows what did not happen in time."""
        until = time.monotonic() + WAIT_S
        while not holds() and time.monotonic() < until:
            self._audit.read()
            time.sleep(LOOK_S)
        if time.monotonic() >= until:
            print(f"  waited {WAIT_S:g} s in vain until {what}")
