"""The figures of a round: how often each thing happened. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.chaos.blows import Blows
from benchmarks.chaos.load import Load
from benchmarks.chaos.processes.cluster import ChaosCluster
from benchmarks.chaos.verdict.audit import Journals
from benchmarks.chaos.verdict.evidence import Evidence
from benchmarks.chaos.verdict.verdict import forgotten


def figures_of(
    cluster: ChaosCluster, load: Load, blows: Blows, evidence: Evidence, journals: Journals
) -> dict[str, object]:
    attempts = evidence.attempts()
    outages = [back - died for died, back in cluster.outages]
    return {
        "goals": len(load.accepted),
        "jobs": load.jobs,
        **blows.count,
        **{f"ended by itself: {who}": count for who, count in cluster.ended.items()},
        "outages of Redis (s)": f"{sum(outages):.1f} in all, {max(outages, default=0):.2f} the longest",
        "commits that Redis forgot": len(forgotten(evidence, journals, cluster.outages)),
        "submissions cut off": load.unanswered,
        "jobs sent again": journals.swept,
        "bundles": _sizes(journals.bundles),
        "claims refused": _told(journals.refused),
        "stale commits refused": len(journals.stale),
        "claims of a job": _told({str(claims): attempts[claims] for claims in sorted(attempts) if claims}),
        "jobs answered by another": evidence.shared(),
        "ends of jobs": _told(evidence.states()),
        "jobs claimed more than once": sum(count for claims, count in attempts.items() if claims > 1),
    }


def _sizes(bundles: Sequence[int]) -> str:
    return f"{len(bundles)} with {sum(bundles)} claims, {max(bundles, default=0)} the largest"


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"
