"""Calls: a tool call becomes a job or a goal, and waits for its end. Knows nothing of how MCP is carried."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from anyio import CancelScope
from mcp_types import CallToolResult
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from coordinator.api.answers import views
from coordinator.api.answers.goal_shown import goal_shown as api_view
from coordinator.api.asked.bodies import value_faults
from coordinator.api.waiting.places import Places
from coordinator.api.waiting.presence import Client
from coordinator.api.waiting.waits import Waits
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import Asking
from coordinator.goals.new_runs import only_job
from coordinator.goals.refusals import GoalRefused
from coordinator.goals.request import JobRequest
from coordinator.runs.run import Run
from coordinator.windows.mcp.answers import REFUSALS, answered, failed, of_job, refused
from coordinator.windows.mcp.goal_tools import GOAL_STATUS, SUBMIT_GOAL, GoalAsked, StatusAsked, goal_shown, in_words
from infra.ledger.protocol import LedgerUnavailable
from infra.records import Json, Record, RunState

#: What a job or a goal may take to be ended after its deadline.
GRACE_S = 10.0
#: The mcp package ends a call whose client has gone by cancelling it, so there is nobody to ask whether it is there.
_STAYS = Client()

Asked = TypeVar("Asked", bound=Record)
logger = logging.getLogger(__name__)


class Calls:
    def __init__(self, goals: Goals, waits: Waits, places: Places) -> None:
        self._goals = goals
        self._waits = waits
        self._places = places
        self._longest_s = goals.limits.deadline_s + GRACE_S

    async def answer(self, name: str, arguments: Json, tenant: str) -> CallToolResult:
        """`name`: of a tool for goals, or of a job type."""
        try:
            if faults := value_faults(arguments, "arguments"):
                raise GoalRefused(faults)
            if name == SUBMIT_GOAL:
                return await self._submit(_read(GoalAsked, arguments), tenant)
            if name == GOAL_STATUS:
                return await self._status(_read(StatusAsked, arguments), tenant)
            return await self._job(JobRequest(type=name, input=arguments), tenant)
        except REFUSALS as error:
            return refused(error)

    async def _job(self, request: JobRequest, tenant: str) -> CallToolResult:
        def accept() -> Run:
            return self._goals.accept_job(request, Asking(tenant=tenant))

        with self._places.taken(True, tenant):
            async with self._held(accept) as run:
                job_id = only_job(run.id)
                await self._waits.job(job_id, self._longest_s, _STAYS)
                followed = await run_in_threadpool(self._goals.job, job_id)
                if not followed.state.ended:
                    await run_in_threadpool(self._goals.cancel, run.id)
                    return failed(f"The job {job_id} did not end within {self._longest_s:g} s, and was cancelled")
        return of_job(views.job_view(followed))

    async def _submit(self, asked: GoalAsked, tenant: str) -> CallToolResult:
        def accept() -> Run:
            return self._goals.accept(asked.asked(), Asking(tenant=tenant))

        wait_s = self._longest_s if asked.wait_s is None else asked.wait_s
        with self._places.taken(wait_s > 0, tenant):
            async with self._held(accept) as run:
                await self._waits.goal(run.id, wait_s, _STAYS)
                shown = await self._shown(run.id)
        if shown["state"] in (RunState.SUCCEEDED, RunState.RUNNING):
            return answered(shown)
        return failed(in_words(shown)).model_copy(update={"structured_content": shown})

    async def _status(self, asked: StatusAsked, tenant: str) -> CallToolResult:
        with self._places.taken(asked.wait_s > 0, tenant):
            await self._waits.goal(asked.id, asked.wait_s, _STAYS)
            return answered(await self._shown(asked.id))

    async def _shown(self, run_id: str) -> Json:
        def shown() -> Json:
            return goal_shown(api_view(self._goals, self._goals.load(run_id)))

        return await run_in_threadpool(shown)

    @asynccontextmanager
    async def _held(self, accept: Callable[[], Run]) -> AsyncIterator[Run]:
        """An accepted run, for a block that waits for it. Whatever cuts the block short cancels the run too."""
        with CancelScope(shield=True):  # or nobody would know the id of what was accepted
            run = await run_in_threadpool(accept)
        try:
            yield run
        except BaseException:
            with CancelScope(shield=True):
                await run_in_threadpool(self._cancel, run.id)
            raise

    def _cancel(self, run_id: str) -> None:
        try:
            self._goals.cancel(run_id)
        except LedgerUnavailable as error:
            fields = {"action": "cancel", "goal_id": run_id}
            logger.warning("a call was cut short, and what it began goes on: %s", error, extra=fields)


def _read(kind: type[Asked], arguments: Any) -> Asked:
    """Raises GoalRefused with all faults, which quote no value."""
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        where = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise GoalRefused(list(where)) from None
