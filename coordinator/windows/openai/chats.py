"""Chats: which one a request is for, taken in once, and waited for while its client is there. Knows no HTTP body."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from coordinator.api.answers.first_answer import other_request, remembered
from coordinator.api.answers.problems import Problem
from coordinator.api.waiting.presence import Client
from coordinator.api.waiting.waits import CLIENT_GONE, Waits
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import Asking, KeyUsed
from coordinator.goals.refusals import GoalRefused
from coordinator.windows.openai.answer import Answer
from coordinator.windows.openai.chat_request import ChatRequest
from coordinator.windows.openai.messages import refused
from coordinator.windows.openai.models import Models
from coordinator.windows.openai.parameters import refuse_unheard
from coordinator.windows.openai.specialist_chat import SpecialistChat

#: After its deadline a job is ended by the next sweep.
SWEEP_S = 30.0


@dataclass(frozen=True)
class Accepted:
    asked: ChatRequest
    chat: SpecialistChat
    run_id: str
    is_named: bool  #: whether it has an idempotency key, so that its client may come back for the answer


class Chats:
    def __init__(self, models: Models, goals: Goals, waits: Waits) -> None:
        self._models = models
        self._goals = goals
        self._waits = waits

    def accept(self, asked: ChatRequest, asking: Asking) -> Accepted:
        """Raises Problem, and what `Goals.accept` raises of loads, quotas and the ledger.

        A request whose key was used before is that request: its answer is waited for again."""
        refuse_unheard(asked)
        chat = SpecialistChat(self._models.specialist(asked.model), self._goals, self._waits)
        try:
            run_id = chat.accept(asked, asking)
        except KeyUsed as used:
            if not used.same:
                raise other_request() from None
            with remembered():
                run_id = self._goals.load(used.run_id).id
        except GoalRefused as error:
            raise refused(*error.faults, title="Not accepted") from None
        return Accepted(asked, chat, run_id, asking.named is not None)

    async def wait(self, accepted: Accepted, client: Client) -> None:
        """Until it has ended. What nobody waits for any more is cancelled. Raises Problem if the client goes."""
        try:
            await accepted.chat.wait(accepted.run_id, self._goals.limits.deadline_s + SWEEP_S, client)
        except Problem as problem:
            if problem.status_code == CLIENT_GONE and not accepted.is_named:
                await run_in_threadpool(self._goals.cancel, accepted.run_id)
            raise

    def answer(self, accepted: Accepted) -> Answer:
        """Raises Problem if there is none."""
        return accepted.chat.answer(accepted.run_id, accepted.asked)
