"""A chat completion as a client asks for it. Reads the body; does nothing."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from infra.records import Json, Record


class ChatMessage(Record):
    """A message of a chat. Of the last one of the user the content is read; the others count for `tools` alone."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Json] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[Json] | None = None
    tool_call_id: str | None = None
    function_call: Json | None = None
    annotations: list[Json] | None = None
    audio: Json | None = None


class JsonSchemaFormat(Record):
    """A JSON Schema that each answer has to fit."""

    name: str = Field(description="A name for the schema. It makes no difference.")
    described: str | None = Field(default=None, alias="description", description="What the schema is for.")
    asked: Json = Field(default={}, alias="schema", description="The JSON Schema. All outputs must fit it.")
    strict: bool | None = Field(default=None, description="It makes no difference: all outputs fit the schema.")


class ResponseFormat(Record):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None


class StreamOptions(Record):
    """What a stream tells beside the answer."""

    include_usage: bool | None = Field(default=None, description="Whether a last chunk has the usage.")
    include_obfuscation: bool | None = Field(default=None, description="It makes no difference: none is sent.")


_NONE = "It makes no difference: the answer is the likeliest one, each time."
_UNHEARD = "It is refused unless it has the value that changes nothing."


class ChatRequest(Record):
    """A chat completion: a specialist's answer to the last message of the user."""

    model: str = Field(min_length=1, description="The name of a specialist.")
    messages: list[ChatMessage] = Field(min_length=1, max_length=1024, description="The chat so far.")
    response_format: ResponseFormat | None = Field(
        default=None, description="The form of the answer. Without it, the output as JSON."
    )
    max_completion_tokens: int | None = Field(
        default=None, ge=1, description="It is refused if it is less than the longest answer has."
    )
    max_tokens: int | None = Field(default=None, ge=1, description="The same as `max_completion_tokens`.")
    logprobs: bool | None = Field(default=None, description="Whether the answer says how likely it is right.")
    top_logprobs: int | None = Field(default=None, ge=0, description="None or 0: there are no other answers.")
    stream: bool | None = Field(default=None, description="Whether the answer comes as chunks.")
    stream_options: StreamOptions | None = Field(default=None, description="Of a stream alone.")
    tools: list[Json] | None = Field(
        default=None, max_length=128, description="The functions that specialist `call` may call."
    )
    tool_choice: str | Json | None = Field(
        default=None, description="Which of the `tools` is called: `auto`, `required`, or one by its name."
    )
    service_tier: str | None = Field(
        default=None, description="`priority` and `flex` are the priorities high and low; `auto` and `default` normal."
    )
    metadata: dict[str, str] | None = Field(
        default=None, max_length=16, description="Each pair becomes a tag `key=value` of the job, if a tag may be so."
    )
    user: str | None = Field(default=None, description="It becomes a tag `user=…` of the job, if a tag may be so.")
    safety_identifier: str | None = Field(default=None, description="It makes no difference.")
    store: bool | None = Field(default=None, description="It makes no difference: jobs are kept for a while anyway.")
    temperature: float | None = Field(default=None, description=_NONE)
    top_p: float | None = Field(default=None, description=_NONE)
    seed: int | None = Field(default=None, description=_NONE)
    parallel_tool_calls: bool | None = Field(default=None, description="It makes no difference: one call is answered.")
    prompt_cache_key: str | None = Field(default=None, description="It makes no difference.")
    prompt_cache_retention: str | None = Field(default=None, description="It makes no difference.")
    prompt_cache_options: Json | None = Field(default=None, description="It makes no difference.")
    prediction: Json | None = Field(default=None, description="It makes no difference.")
    n: Any = Field(default=None, description=_UNHEARD)
    stop: Any = Field(default=None, description=_UNHEARD)
    frequency_penalty: Any = Field(default=None, description=_UNHEARD)
    presence_penalty: Any = Field(default=None, description=_UNHEARD)
    logit_bias: Any = Field(default=None, description=_UNHEARD)
    modalities: Any = Field(default=None, description=_UNHEARD)
    audio: Any = Field(default=None, description=_UNHEARD)
    functions: Any = Field(default=None, description=_UNHEARD)
    function_call: Any = Field(default=None, description=_UNHEARD)
    reasoning_effort: Any = Field(default=None, description=_UNHEARD)
    verbosity: Any = Field(default=None, description=_UNHEARD)
    moderation: Any = Field(default=None, description=_UNHEARD)
    web_search_options: Any = Field(default=None, description=_UNHEARD)

    @property
    def most_tokens(self) -> tuple[str, int] | None:
        """The bound of the answer's tokens, with its name."""
        bounds = {"max_completion_tokens": self.max_completion_tokens, "max_tokens": self.max_tokens}
        said = [(name, bound) for name, bound in bounds.items() if bound is not None]
        return min(said, key=lambda each: each[1]) if said else None
