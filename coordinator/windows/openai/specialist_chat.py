"""A chat with a specialist: one job of its type. Knows no route."""

from __future__ import annotations

from coordinator.api.waiting.presence import Client
from coordinator.api.waiting.waits import Waits
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import Asking
from coordinator.goals.new_runs import only_job
from coordinator.goals.request import JobRequest
from coordinator.windows.openai.answer import Answer, both
from coordinator.windows.openai.answer_form import label_field, told
from coordinator.windows.openai.call_tools import methods_and_dialogue, reads_calls, tool_call
from coordinator.windows.openai.chat_request import ChatRequest
from coordinator.windows.openai.failures import failed, not_ended
from coordinator.windows.openai.job_input import input_of
from coordinator.windows.openai.messages import last_of_user, refused, text_of
from coordinator.windows.openai.parameters import priority_of, tags_of, unsupported
from infra.records import Json, Usage
from specialists.specialist import Specialist


class SpecialistChat:
    def __init__(self, specialist: Specialist, goals: Goals, waits: Waits) -> None:
        self._specialist = specialist
        self._goals = goals
        self._waits = waits

    def accept(self, asked: ChatRequest, asking: Asking) -> str:
        """The id of the job's run. Raises Problem (400), and what `Goals.accept_job` raises."""
        if asked.tools:
            self._check_tools(asked)
        label_field(asked.response_format, self._specialist)
        self._check_tokens(asked)
        request = JobRequest(
            type=self._specialist.name, input=self._input(asked), priority=priority_of(asked), tags=tags_of(asked)
        )
        return self._goals.accept_job(request, asking).id

    async def wait(self, run_id: str, wait_s: float, client: Client) -> None:
        await self._waits.job(only_job(run_id), wait_s, client)

    def answer(self, run_id: str, asked: ChatRequest) -> Answer:
        """Raises Problem if the job has no output."""
        followed = self._goals.job(only_job(run_id))
        job, what = followed.job.job, f"the job {only_job(run_id)}"
        outcome = followed.answer.outcome if followed.answer else None
        if outcome is None:
            raise not_ended(what)
        if outcome.output is None:
            assert outcome.failure
            raise failed(what, outcome.failure.kind, outcome.failure.message)
        outcomes = [each.outcome for each in (followed.job, followed.fallback) if each and each.outcome]
        usage = Usage()
        for each in outcomes:
            usage = both(usage, each.usage)
        call = tool_call(outcome.output, asked) if asked.tools else None
        field = label_field(asked.response_format, self._specialist)
        return Answer(
            content=None if call else told(outcome.output, field),
            created_ms=self._goals.load(job.run_id).created_ms,
            call=call,
            confidence=outcome.confidence,
            usage=usage,
            digest=outcome.provenance.digest if outcome.provenance else None,
        )

    def _input(self, asked: ChatRequest) -> Json:
        if not asked.tools:
            return input_of(text_of(last_of_user(asked)), self._specialist)
        input = methods_and_dialogue(asked)
        if faults := self._specialist.input_faults(input):
            raise refused(*faults, title="The chat is no input of the model")
        return input

    def _check_tools(self, asked: ChatRequest) -> None:
        if not reads_calls(self._specialist):
            raise unsupported(
                "tools", f"tools: {self._specialist.name!r} calls none; ask model 'call', or leave it out"
            )
        if asked.response_format and asked.response_format.type != "text":
            raise unsupported("response_format", "response_format: the answer is a call; leave it out, or `tools`")

    def _check_tokens(self, asked: ChatRequest) -> None:
        """Answers are never cut: half of an output is none."""
        longest = self._specialist.answer_tokens
        if asked.most_tokens and self._specialist.manifest.decoding and asked.most_tokens[1] < longest:
            name, bound = asked.most_tokens
            raise unsupported(name, f"{name}: is {bound}; an answer may have {longest} tokens and is never cut; "
                              f"send at least {longest}, or leave it out")  # fmt: skip
