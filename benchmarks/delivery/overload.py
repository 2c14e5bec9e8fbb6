"""Three times a cluster's capacity over HTTP for a minute: who is let in, how long jobs wait, and whether the
Retry-After that refused callers get comes true.
"""

from __future__ import annotations

import asyncio
import bisect
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from math import inf

from benchmarks.delivery.cluster import STEADY, delivery_cluster
from benchmarks.delivery.crowd import Crowd, Scene, come, look_up
from benchmarks.delivery.tables import Row, percentile, show
from infra.records import JobState

SERVICE_S, SLOTS = 0.2, 4
CAPACITY = SLOTS / SERVICE_S  #: jobs a second
TIMES = 3
DEADLINE_S = 5.0
WARM_UP_S = 3.0
MARGIN_S = 5.0  #: callers told to come back later than this before the end are left out, so that the others have time
KEPT = 1.25  #: a promise came true if the time until let in was at most this many times the Retry-After
BIN_S = 5.0
CAPTION = f"""
A worker of {SLOTS} slots and {SERVICE_S:g} s a job: {CAPACITY:g} jobs a second. Callers come in an open loop at
{TIMES} times that; who is refused comes back after the `Retry-After` that it was told, each time, until it is
let in or the time is over. `latency`: of those let in, from accepted to answered; `late`: let in and expired.
`told`: the `Retry-After` of the first refusal. Of the `told_in_time`, who were to come back {MARGIN_S:g} s
before the end or sooner, `took`: the time from then until let in, divided by what was told; `came_true`: the
share that took at most {KEPT:g} times that. `error`: of the wait that GET …/load predicts for who comes now.
"""


SCENES = (
    Scene("deadline", TIMES * CAPACITY, 60.0, 85.0, {"deadline_s": DEADLINE_S}, {}),
    Scene("backlog", TIMES * CAPACITY, 20.0, 35.0, {}, {"backlog": round(CAPACITY * DEADLINE_S)}),
)


def overload(scenes: Sequence[Scene] = SCENES) -> Row:
    found = {scene.name: played(scene) for scene in scenes}
    rows = {name: each["row"] for name, each in found.items()}
    figures = next(iter(rows.values()))
    show([{"bound by": figure, **{name: row[figure] for name, row in rows.items()}} for figure in figures], CAPTION)
    return {"scenes": found}


def played(scene: Scene) -> Row:
    with delivery_cluster(SERVICE_S, SLOTS, **scene.given) as cluster:
        cluster.start_api()
        cluster.start_coordinators(1)
        cluster.start_workers([STEADY])
        asyncio.run(come(cluster, replace(scene, offered_s=WARM_UP_S, over_s=2 * WARM_UP_S)))
        crowd = asyncio.run(come(cluster, scene))
        time.sleep(DEADLINE_S + 2)
        look_up(cluster, crowd)
    return {"row": row_of(crowd, scene), "bins": bins(crowd, scene), **points(crowd)}


def row_of(crowd: Crowd, scene: Scene) -> Row:
    done = [caller for caller in crowd.callers if caller.state is JobState.SUCCEEDED]
    latencies = [caller.latency_s for caller in done if caller.latency_s is not None]
    accepted = [caller for caller in crowd.callers if caller.accepted_s is not None]
    at_once = sum(caller.told_s is None for caller in accepted)
    errors = [actual - predicted for predicted, actual in waits(crowd)]
    return {
        "callers": len(crowd.callers),
        "let_in": len(accepted),
        "refused_first": f"{1 - at_once / len(crowd.callers):.0%}",
        "answered": len(done),
        "late": sum(caller.state is JobState.EXPIRED for caller in accepted),
        "answered_per_s": round(len(done) / scene.over_s, 1),
        "latency_p50_s": round(statistics.median(latencies), 2),
        "latency_p99_s": round(percentile(latencies, 99), 2),
        "latency_max_s": round(max(latencies), 2),
        **retry_row(crowd, scene),
        "error_s_p50": round(statistics.median(errors), 2) if errors else None,
        "error_s_p90": round(percentile([abs(each) for each in errors], 90), 2) if errors else None,
        "http_p99_ms": round(1000 * percentile(crowd.answers_s, 99), 1),
        "came_late_p99_ms": round(1000 * percentile(crowd.late_s, 99), 1),
    }


def retry_row(crowd: Crowd, scene: Scene) -> Row:
    """Figures of the callers that were to come back before the end; a caller not let in by then counts as longest."""
    told = [(each, each.told_s, each.refused_s) for each in crowd.callers if each.told_s and each.refused_s is not None]
    last_s = scene.over_s - MARGIN_S
    in_time = [(each, told_s, refused_s) for each, told_s, refused_s in told if told_s + refused_s < last_s]
    ratios = sorted(_took(each.accepted_s, told_s, refused_s) for each, told_s, refused_s in in_time)
    tries = [each.tries for each, *_ in in_time if each.accepted_s is not None]
    return {
        "told_p50_s": statistics.median(told_s for _, told_s, _ in told) if told else None,
        "told_max_s": max((told_s for _, told_s, _ in told), default=None),
        "told_in_time": len(in_time),
        "came_true": f"{sum(ratio <= KEPT for ratio in ratios) / max(1, len(ratios)):.0%}",
        "took_p10": _at(ratios, 0.1),
        "took_p50": _at(ratios, 0.5),
        "took_p90": _at(ratios, 0.9),
        "tries_mean": round(statistics.mean(tries), 2) if tries else None,
    }


def _took(accepted_s: float | None, told_s: float, refused_s: float) -> float:
    """The time until let in, divided by the Retry-After; infinite for a caller that was not let in."""
    return inf if accepted_s is None else (accepted_s - refused_s) / told_s


def _at(ordered: Sequence[float], share: float) -> float | str | None:
    if not ordered:
        return None
    value = ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
    return "not let in" if value == inf else round(value, 2)


def waits(crowd: Crowd) -> list[tuple[float, float]]:
    """(predicted, actual) wait until claimed; the prediction is the last one before the job was let in."""
    moments = [at_s for at_s, _ in crowd.predicted]
    found = []
    for caller in crowd.callers:
        if caller.accepted_s is None or caller.wait_s is None or caller.state is not JobState.SUCCEEDED:
            continue
        last = bisect.bisect_right(moments, caller.accepted_s) - 1
        if last >= 0:
            found.append((crowd.predicted[last][1], caller.wait_s))
    return found


def bins(crowd: Crowd, scene: Scene) -> list[Row]:
    """One row for every few seconds, by the time at which callers were let in or first came."""
    return [_bin(crowd, n * BIN_S) for n in range(round(scene.over_s / BIN_S))]


def _bin(crowd: Crowd, begin_s: float) -> Row:
    def within(at_s: float | None) -> bool:
        return at_s is not None and begin_s <= at_s < begin_s + BIN_S

    latencies = [each.latency_s for each in crowd.callers if within(each.accepted_s) and each.latency_s is not None]
    came = [each for each in crowd.callers if within(each.came_s)]
    return {
        "at_s": begin_s + BIN_S / 2,
        "let_in": sum(within(each.accepted_s) for each in crowd.callers),
        "p50_s": statistics.median(latencies) if latencies else None,
        "p99_s": percentile(latencies, 99) if latencies else None,
        "refused": sum(each.told_s is not None for each in came) / len(came) if came else None,
    }


def points(crowd: Crowd) -> Row:
    """Points for the pictures: [told, actual or None] of refused callers, [predicted, actual] of waits."""
    told = [
        [each.told_s, None if each.accepted_s is None else round(each.accepted_s - each.refused_s, 2)]
        for each in crowd.callers
        if each.told_s is not None and each.refused_s is not None
    ]
    return {"told": told, "waits": [[round(predicted, 2), actual] for predicted, actual in waits(crowd)]}
