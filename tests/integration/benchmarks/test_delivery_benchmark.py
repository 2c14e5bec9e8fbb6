"""The building blocks of `benchmarks.delivery.run`, small and untimed, so that the benchmark cannot rot."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.delivery.cluster import NOOP, STEADY, DeliveryCluster
from benchmarks.delivery.crowd import Caller, Scene, come, look_up
from benchmarks.delivery.fair import Serving, fill, shares
from benchmarks.delivery.keys import for_ever
from benchmarks.delivery.overload import bins, row_of
from benchmarks.delivery.peer import PLAIN, TUNED, Peer
from benchmarks.scale.hands import Hands
from infra.records import JobState

WEIGHTS = {"one": 1, "two": 2, "four": 4}


def test_a_goal_and_raw_celery_are_measured_on_one_redis(tmp_path: Path) -> None:
    with DeliveryCluster(tmp_path, slots=2) as cluster:
        peers = [Peer(cluster, kind) for kind in (PLAIN, TUNED)]
        cluster.start_coordinators(1)
        cluster.start_workers([NOOP])
        run_id = cluster.submit(20)
        cluster.await_ended(run_id)
        for peer in peers:
            peer.start_worker(2)
        seconds = [cluster.span_s(run_id), *(peer.run(20) for peer in peers)]
        for peer in peers:
            peer.stop()
    assert min(seconds) > 0


def came_when_told(caller: Caller) -> bool:
    assert caller.told_s is not None
    assert caller.refused_s is not None
    assert caller.accepted_s is not None
    return caller.accepted_s >= caller.refused_s + caller.told_s


def test_callers_who_are_refused_come_back_when_they_were_told_to(tmp_path: Path) -> None:
    scene = Scene("backlog", rate=60, offered_s=1.0, over_s=30.0, body={}, given={})
    with DeliveryCluster(tmp_path, service_s=0.1, slots=2, backlog=5) as cluster:
        cluster.start_api()
        cluster.start_coordinators(1)
        cluster.start_workers([STEADY])
        crowd = asyncio.run(come(cluster, scene))
        for run in cluster.goals.recent(100):
            cluster.await_ended(run.id)
        look_up(cluster, crowd)
    let_in = [caller for caller in crowd.callers if caller.job_id]
    refused = [caller for caller in crowd.callers if caller.told_s]
    again = [caller for caller in let_in if caller.told_s]
    assert len(crowd.callers) == 60
    assert refused
    assert again
    assert {caller.state for caller in let_in} == {JobState.SUCCEEDED}
    assert all(came_when_told(caller) for caller in again)
    assert row_of(crowd, scene)["answered"] == len(let_in)
    assert sum(each["let_in"] for each in bins(crowd, scene)) <= len(let_in)


def test_tenants_are_counted_in_the_order_in_which_they_are_served(tmp_path: Path) -> None:
    tenants = {name: {"weight": weight} for name, weight in WEIGHTS.items()}
    with DeliveryCluster(tmp_path, tenants=tenants) as cluster:
        owners = fill(cluster, WEIGHTS, 70)
        serving = Serving(Hands(cluster.client, cluster.settings), NOOP)
        cluster.start_coordinators(1)
        serving.more(210)
        unending = for_ever(cluster.client)
    found = shares(serving.served[:70], owners)
    assert found == {"one": 10 / 70, "two": 20 / 70, "four": 40 / 70}
    assert unending["mh:types"] == (1, 1)
