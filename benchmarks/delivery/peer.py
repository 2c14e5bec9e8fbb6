"""The peer: a raw Celery task that does nothing, acknowledged late, on the same Redis.

    python -m benchmarks.delivery.peer URL plain|tuned NAME SLOTS

`plain` is Celery with its defaults, `tuned` has the options that manyhands gives it: the difference between the two is
the cost of these options.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import redis
from celery import Celery

from benchmarks.scale.cluster import Cluster
from infra.queue.celery_app import create_app, key_prefix
from infra.settings import Settings

PLAIN, TUNED = "plain", "tuned"
PARKED = "parked"
POLL_S = 0.002
WAIT_S = 120.0


def create_peer(url: str, kind: str) -> Celery:
    """Make the app. Its task is `noop`, on a queue with the kind's name."""
    if kind == TUNED:
        app = create_app(Settings(_env_file=None, redis_url=url, queue_prefix=TUNED))
    else:
        app = Celery(PLAIN, broker=url, set_as_current=False)
        app.conf.update(task_acks_late=True, task_ignore_result=True)
    app.conf.update(task_default_queue=kind, worker_hijack_root_logger=False)
    app.task(noop, name="noop", ignore_result=True)
    return app


def noop(item: int) -> None:
    """Do nothing."""


class Peer:
    """Raw Celery on the cluster's Redis, and workers of its own."""

    def __init__(self, cluster: Cluster, kind: str) -> None:
        self.app = create_peer(cluster.redis.url, kind)
        self.task: Any = self.app.tasks["noop"]
        self.processes: list[subprocess.Popen[bytes]] = []
        self._cluster = cluster
        self._kind = kind
        self._prefix = key_prefix(Settings(_env_file=None, queue_prefix=TUNED)) if kind == TUNED else ""
        self._redis: redis.Redis = cluster.client

    def start_worker(self, slots: int) -> None:
        """Start a worker, and return when it, or one started before, has done a task."""
        name = f"{self._kind}{len(self.processes)}"
        self.processes.append(self._cluster.start_beside("benchmarks.delivery.peer", self._kind, name, str(slots)))
        self.run(1)

    def run(self, tasks: int) -> float:
        """The seconds from the arrival of `tasks` messages on the queue to the last acknowledgement.

        A rename puts all messages on the queue at once.
        """
        self.queue_at_once(tasks, PARKED)
        began = time.monotonic()
        self._redis.rename(self._prefix + PARKED, self._prefix + self._kind)
        while not self._empty() or not self._empty():  # a message that moves between the two places is in neither
            if time.monotonic() > began + WAIT_S:
                raise RuntimeError(f"{self._kind} Celery has not done {tasks} tasks in {WAIT_S:g} s")
            time.sleep(POLL_S)
        return time.monotonic() - began

    def queue_at_once(self, tasks: int, queue: str | None = None) -> None:
        """Queue the tasks with one producer that sends all messages together, the fastest way that Celery offers."""
        with self.app.producer_or_acquire() as producer, producer.batch():
            for item in range(tasks):
                self.task.apply_async((item,), producer=producer, queue=queue)

    def purge(self) -> None:
        self._redis.delete(self._prefix + self._kind)

    def stop(self) -> None:
        self._cluster.stop(self.processes)
        self.app.close()

    def _empty(self) -> bool:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.llen(self._prefix + self._kind)
            pipe.hlen(self._prefix + "unacked")
            return not any(pipe.execute())


def main(url: str, kind: str, name: str, slots: str) -> None:
    """Serve, with all chatter between Celery's workers switched off."""
    options = ["--pool", "threads", "--concurrency", slots, "--hostname", f"{name}@%h", "--loglevel", "WARNING"]
    create_peer(url, kind).worker_main(
        ["worker", *options, "--without-gossip", "--without-mingle", "--without-heartbeat"]
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
