"""A specialist's input as the request that its engine takes. Knows no job and no ledger."""

from __future__ import annotations

from infra.records import Json
from specialists.specialist import Specialist
from workers.engines import Request


def request_for(
    specialist: Specialist,
    input: Json,
    id: str,
    deadline: float | None = None,
    timeout_s: float | None = None,
    top: int | None = None,
) -> Request:
    decoding, prompt = specialist.manifest.decoding, specialist.fill(input)
    return Request(
        id=id,
        specialist=specialist.name,
        prompt=prompt.text,
        # The grammar is for the whole input. If the prompt is cut, an answer may copy something that the model was not
        # shown, but it is still a copy from the job's own input.
        grammar=specialist.grammar(input) if decoding else None,
        max_tokens=specialist.answer_tokens,
        deadline=deadline,
        timeout_s=timeout_s,
        cut=prompt.cut,
        source=prompt.source,
        top=top,
    )
