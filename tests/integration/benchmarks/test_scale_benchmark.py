"""The building blocks of `benchmarks.scale.run`, small and untimed, so that the benchmark cannot rot."""

from __future__ import annotations

from pathlib import Path

from benchmarks.scale.cluster import STAMP, Cluster
from benchmarks.scale.hops import STEPS, measure_hops
from benchmarks.scale.load import measure, submit_backlog


def test_a_small_cluster_is_measured_and_leaves_no_process(tmp_path: Path) -> None:
    with Cluster(tmp_path, mean_s=0.05) as cluster:
        cluster.start_coordinators(1)
        cluster.start_workers(["calm", "wild", STAMP])
        hops = measure_hops(cluster, goals=2)
        window = measure(cluster, submit_backlog(cluster, goals=1, items=200), 2.0)
        processes = [*cluster.workers, *cluster.coordinators]
    assert (len(hops.submit_to_start), len(hops.step_to_step), len(hops.answer_to_end)) == (2, 2 * (STEPS - 1), 2)
    assert min(hops.submit_to_start + hops.step_to_step + hops.answer_to_end) > 0
    assert len({done.worker for done in window.done}) == 2
    assert 0 < window.busy < 1
    assert all(done.served_s > 0 for done in window.done)
    assert all(process.poll() is not None for process in processes)
