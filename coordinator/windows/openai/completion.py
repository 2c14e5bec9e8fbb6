"""A completion in OpenAI's shape: whole, or as the chunks of a stream. Knows no job."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from coordinator.windows.openai.answer import Answer, ToolCall
from coordinator.windows.openai.chat_request import ChatRequest
from infra.records import Json

#: OpenAI's own value for what is as good as impossible. JSON has no minus infinity.
LEAST_LOGPROB = -9999.0
DONE = "[DONE]"


def completion(run_id: str, asked: ChatRequest, answer: Answer) -> Json:
    message: Json = {"role": "assistant", "content": answer.content, "refusal": None}
    if answer.call:
        message["tool_calls"] = [_tool_call(run_id, answer.call)]
    choice = {"index": 0, "message": message, "logprobs": _logprobs(asked, answer), "finish_reason": _reason(answer)}
    about = {"metadata": asked.metadata} if asked.metadata is not None else {}
    return {**_head("chat.completion", run_id, asked, answer), "choices": [choice], "usage": answer.tokens(), **about}


def chunks(run_id: str, asked: ChatRequest, answer: Answer) -> Iterator[Json]:
    """The answer is one delta: an output counts once it is whole and was checked."""
    head = _head("chat.completion.chunk", run_id, asked, answer)
    counts = bool(asked.stream_options and asked.stream_options.include_usage)
    said: Json = {"content": answer.content}
    if answer.call:
        said = {"tool_calls": [{"index": 0, **_tool_call(run_id, answer.call)}]}
    deltas: list[tuple[Json, Json | None, str | None]] = [
        ({"role": "assistant", "content": None if answer.call else ""}, None, None),
        (said, _logprobs(asked, answer), None),
        ({}, None, _reason(answer)),
    ]
    for delta, logprobs, reason in deltas:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        yield {**head, "choices": [choice], **({"usage": None} if counts else {})}
    if counts:
        yield {**head, "choices": [], "usage": answer.tokens()}


def event_stream(run_id: str, asked: ChatRequest, answer: Answer) -> str:
    lines = [*(json.dumps(each, ensure_ascii=False) for each in chunks(run_id, asked, answer)), DONE]
    return "".join(f"data: {line}\n\n" for line in lines)


def _head(kind: str, run_id: str, asked: ChatRequest, answer: Answer) -> Json:
    return {
        "id": f"chatcmpl-{run_id}",
        "object": kind,
        "created": answer.created_ms // 1000,
        "model": asked.model,
        "service_tier": "default" if asked.service_tier in (None, "auto") else asked.service_tier,
        "system_fingerprint": f"fp_{answer.digest[:12]}" if answer.digest else None,
    }


def _reason(answer: Answer) -> str:
    return "tool_calls" if answer.call else "stop"


def _tool_call(run_id: str, call: ToolCall) -> Json:
    return {
        "id": f"call_{run_id}",
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _logprobs(asked: ChatRequest, answer: Answer) -> Json | None:
    """The whole answer as one token, whose probability is the confidence; None if nobody says how sure it is."""
    if not asked.logprobs or answer.confidence is None:
        return None
    logprob = math.log(answer.confidence) if answer.confidence > 0 else LEAST_LOGPROB
    token = {"token": answer.words, "logprob": logprob, "bytes": list(answer.words.encode()), "top_logprobs": []}
    return {"content": [token], "refusal": None}
