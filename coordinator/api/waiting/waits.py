"""Waits: until a run or a job has ended, as long as the client is there. Each holds no thread. Knows no route."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from coordinator.api.answers.problems import Problem
from coordinator.api.waiting.listener import Listener
from coordinator.api.waiting.presence import Client
from coordinator.goals.goals import HALTS, Goals
from infra.ledger.protocols.runs import RunEvents
from infra.records import Event, RunState

#: How often a job is looked at without an event: its outcome is there before a coordinator tells of it.
LOOK_S = 5.0
CLIENT_GONE = 499


class Waits:
    def __init__(self, ledger: RunEvents, goals: Goals, listener: Listener) -> None:
        self._ledger = ledger
        self._goals = goals
        self._listener = listener

    async def goal(self, run_id: str, wait_s: float, client: Client) -> None:
        """Until the run has ended or is unsure, `wait_s` at most. Raises UnknownRun, and Problem if the client goes."""

        def is_over() -> bool:
            return self._goals.load(run_id).state is not RunState.RUNNING

        await self._until(is_over, lambda event: event.name in HALTS, run_id, wait_s, wait_s, client)

    async def job(self, job_id: str, wait_s: float, client: Client) -> None:
        """Until the job and its fallback's have ended, `wait_s` at most. Raises UnknownJob, and Problem if the client
        goes."""

        def is_over() -> bool:
            return self._goals.job(job_id).state.ended

        await self._until(is_over, lambda _: True, job_id.partition(".")[0], wait_s, LOOK_S, client)

    async def _until(
        self,
        is_over: Callable[[], bool],
        tells: Callable[[Event], bool],
        run_id: str,
        wait_s: float,
        look_s: float,
        client: Client,
    ) -> None:
        """Look when an event tells something, and every `look_s`."""
        if not wait_s:
            return
        ends = time.monotonic() + wait_s
        after, over = await run_in_threadpool(self._look, run_id, is_over)
        while not over and (left_s := ends - time.monotonic()) > 0:
            news = await self._listener.heard(run_id, after, min(left_s, look_s), client)
            if client.gone:
                raise Problem(CLIENT_GONE, "The client has gone")
            after = news[-1][0] if news else after
            if not news or any(tells(event) for _, event in news):
                after, over = await run_in_threadpool(self._look, run_id, is_over)

    def _look(self, run_id: str, is_over: Callable[[], bool]) -> tuple[str, bool]:
        """The newest event is looked up first: one that comes between is heard."""
        after = self._ledger.last_event(run_id)
        return after, is_over()
