"""The queue on Celery and Redis. Knows Celery's traps; knows nothing of what a job says.

The message of a job is its id, sent under that id, to a queue and a task whose name is the job type: Flower shows one
line a type and never a word of a job.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery, Task
from celery.app.trace import setup_worker_optimizations
from celery.apps.worker import Worker
from celery.exceptions import Reject
from celery.worker import state
from kombu import Queue as KombuQueue
from kombu.asynchronous import set_event_loop
from kombu.exceptions import OperationalError

from infra.celery_app import broker_url, create_app
from infra.held import HeldMessages
from infra.logs import where
from infra.queue import Handler, QueueUnavailable, Redeliver

__all__ = ["CeleryQueue", "broker_url", "create_app"]

log = logging.getLogger(__name__)

#: Of a send, in kombu's words: two more tries, then the caller is told.
RETRY = {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}

#: They write a line or two a message; who handles the message has its own to write.
CHATTY = ("celery.app.trace", "celery.worker.strategy")


class CeleryQueue:
    def __init__(self, app: Celery) -> None:
        self._app = app

    def send(self, job_type: str, job_id: str) -> None:
        try:
            self._app.send_task(
                job_type, args=[job_id], task_id=job_id, queue=job_type, argsrepr=job_id, kwargsrepr="",
                ignore_result=True, retry=True, retry_policy=RETRY,
            )  # fmt: skip
        except OperationalError as error:
            raise QueueUnavailable(f"cannot send job {job_id!r} to queue {job_type!r}: {error}") from error

    def serve(
        self, handlers: Mapping[str, Handler], slots: int, name: str, stopping: Callable[[], None] = lambda: None
    ) -> None:
        """In the main thread, SIGTERM and SIGINT stop it too. One at a time in a process."""
        for logger in CHATTY:
            logging.getLogger(logger).setLevel(logging.WARNING)
        with HeldMessages(self._app) as held:
            for job_type, handler in handlers.items():
                self._register(job_type, handler, held)
            server = _Server(
                app=self._app, stopping=stopping, hostname=name, pool="threads", concurrency=slots,
                queues=list(handlers), without_gossip=True, without_mingle=True,
            )  # fmt: skip
            try:
                server.start()
            finally:
                set_event_loop(None)
                state.should_stop = None
                for job_type in handlers:
                    self._app.tasks.unregister(job_type)
        if server.exitcode:
            raise QueueUnavailable(f"the Celery worker ended with code {server.exitcode}; its log says why")

    def stop(self) -> None:
        state.should_stop = os.EX_OK

    def close(self) -> None:
        self._app.close()

    def _register(self, job_type: str, handler: Handler, held: HeldMessages) -> None:
        def run(task: Task, job_id: str) -> None:
            with held.hold(task.request.properties["delivery_tag"]):
                _call(handler, job_type, job_id)

        # shared: Celery would else give the task to every app of this process.
        self._app.task(run, bind=True, shared=False, name=job_type)
        self._app.amqp.queues.add(KombuQueue(job_type, routing_key=job_type))


def _call(handler: Handler, job_type: str, job_id: str) -> None:
    try:
        handler(job_id)
    except Redeliver:
        raise Reject("to be delivered again", requeue=True) from None
    except Exception as error:  # noqa: BLE001 - one message's fault must not end the thread of the others
        log.error("handler of %r raised %s\n%s", job_type, type(error).__name__, where(error), extra={"job_id": job_id})


class _Server(Worker):  # type: ignore[misc] # Celery has no types
    """Celery's worker without its hold on the process: our logging, no restart on SIGHUP, one kind of stop."""

    def __init__(self, stopping: Callable[[], None], **options: Any) -> None:
        self._stopping = stopping
        super().__init__(**options)

    def on_before_init(self, **options: Any) -> None:
        # Without the check that warns of root and pickle: nothing here accepts pickle.
        setup_worker_optimizations(self.app, self.hostname)
        self.quiet = True  # no banner

    def setup_logging(self, colorize: bool | None = None) -> bool:
        return True

    def install_platform_tweaks(self, worker: Worker) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._drain)

    def set_process_status(self, info: str) -> None:
        """The process keeps the name it was started with."""

    def _drain(self, number: int, frame: object) -> None:
        log.info("%s: finishing what runs", signal.Signals(number).name)
        state.should_stop = os.EX_OK

    def stop(self, in_sighandler: bool = False, exitcode: int | None = None) -> None:
        self._stopping()
        super().stop(in_sighandler, exitcode)
