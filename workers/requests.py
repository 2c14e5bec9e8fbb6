"""A specialist's input as the request that its engine takes. Knows no job and no ledger."""

from __future__ import annotations

from infra.records import Json
from specialists.specialist import Specialist
from workers.engines import Request

FUNCTION_TOKENS = 1  #: a function samples none, but a request must say some number


def request_for(
    specialist: Specialist, input: Json, id: str, deadline: float | None = None, timeout_s: float | None = None
) -> Request:
    decoding, prompt = specialist.manifest.decoding, specialist.fill(input)
    return Request(
        id=id,
        specialist=specialist.name,
        prompt=prompt.text,
        # Of the whole input: where the prompt is cut, an answer may still copy what the model was not shown. It is then
        # a copy from the job's own input all the same.
        grammar=specialist.grammar(input) if decoding else None,
        max_tokens=specialist.answer_tokens if decoding else FUNCTION_TOKENS,
        deadline=deadline,
        timeout_s=timeout_s,
        cut=prompt.cut,
    )
