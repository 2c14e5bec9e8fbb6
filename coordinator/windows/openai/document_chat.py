"""Chat completions as they are sent, for the OpenAPI document alone. Checks nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi.openapi.models import Example
from pydantic import Field

from coordinator.api.document.responses import header
from coordinator.api.document.shape import Described, Shape
from coordinator.windows.openai.completion import DONE
from infra.records import Json

_SAID: Json = {"model": "triage", "messages": [{"role": "user", "content": "My card is stolen."}]}
CHATS = {
    "triage": Example(summary="Sort a message", value=_SAID),
    "stream": Example(summary="The same as a stream", value={**_SAID, "stream": True}),
}
Reason = Literal["stop", "tool_calls"]


class TokenLogprob(Shape):
    """The whole answer as one token."""

    token: str
    logprob: float
    """The logarithm of the confidence: of how likely the answer is right."""
    bytes: list[int]
    top_logprobs: list[str] = Field(max_length=0)


class Logprobs(Shape):
    content: list[TokenLogprob]
    refusal: None


class CalledFunction(Shape):
    name: str
    arguments: str
    """JSON of an object."""


class ToolCallMade(Shape):
    id: str
    type: Literal["function"]
    function: CalledFunction


class ToolCallChunk(ToolCallMade):
    index: int


class AnswerMessage(Shape):
    role: Literal["assistant"]
    content: str | None
    """It is null if the answer is a call."""
    refusal: None
    tool_calls: list[ToolCallMade] = Field(default=[])


class AnswerChoice(Shape):
    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: Reason


class CachedTokens(Shape):
    cached_tokens: int
    """The tokens of the prompt that were computed for an earlier prompt."""
    cut_characters: int
    """The characters at the end of the input that the model was not shown, because the input is too long for it."""


class ChatUsage(Shape):
    """Tokens. A function has none."""

    prompt_tokens: int
    completion_tokens: int
    """Tokens of the answer, those that the grammar forced included."""
    total_tokens: int
    prompt_tokens_details: CachedTokens


class _Head(Shape):
    id: str
    """`chatcmpl-` and the id of the goal: its job is `<id>.job.0`."""
    created: int
    model: str
    service_tier: str
    system_fingerprint: str | None
    """The first 12 digits of the specialist's digest."""


class ChatCompletion(_Head):
    """An answer."""

    object: Literal["chat.completion"]
    choices: list[AnswerChoice]
    usage: ChatUsage
    metadata: dict[str, str] = Field(default={})
    """What the request has sent as `metadata`."""


class Delta(Shape):
    role: Literal["assistant"] = "assistant"
    content: str | None = None
    tool_calls: list[ToolCallChunk] = Field(default=[])


class ChunkChoice(Shape):
    index: int
    delta: Delta
    logprobs: Logprobs | None
    finish_reason: Reason | None


class ChatCompletionChunk(_Head):
    """A part of an answer. The last one before `[DONE]` has no choices if the usage was asked for."""

    object: Literal["chat.completion.chunk"]
    choices: list[ChunkChoice]
    usage: ChatUsage | None = None


class ChatCompletionEvent(Shape):
    data: ChatCompletionChunk | Literal["[DONE]"]


CompletionBody = Annotated[Json, Described(ChatCompletion)]


def completed() -> dict[int | str, dict[str, Any]]:
    """The answer, whole or as a stream, which `with_streams` describes."""
    headers = {"Cache-Control": header("`no-store`, of a stream.")}
    return {200: {"description": f"The answer, or, of a stream, its chunks and `{DONE}`.", "headers": headers}}


def with_streams(document: Json) -> Json:
    """The document with the chunks of a stream, because FastAPI knows one media type for a route."""
    schema = ChatCompletionEvent.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= schema.pop("$defs") | {ChatCompletionEvent.__name__: schema}
    events = {"type": "array", "items": {"$ref": f"#/components/schemas/{ChatCompletionEvent.__name__}"}}
    stream = {"type": "string", "contentMediaType": "text/event-stream", "contentSchema": events}
    answer = document["paths"]["/v1/chat/completions"]["post"]["responses"]["200"]
    answer["content"]["text/event-stream"] = {"schema": stream}
    return document
