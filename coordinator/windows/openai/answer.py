"""An answer to a chat, before it has OpenAI's shape. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from infra.records import Json, Usage


@dataclass(frozen=True)
class ToolCall:
    name: str
    arguments: str  #: JSON


@dataclass(frozen=True)
class Answer:
    content: str | None  #: None if it is a call
    created_ms: int
    call: ToolCall | None = None
    confidence: float | None = None  #: how likely it is right; None: nobody says
    usage: Usage = field(default_factory=Usage)
    digest: str | None = None  #: of the specialist that answered

    @property
    def words(self) -> str:
        """What the confidence is about."""
        return self.call.arguments if self.call else self.content or ""

    def tokens(self) -> Json:
        took = self.usage
        return {
            "prompt_tokens": took.tokens_in,
            "completion_tokens": took.tokens_out,
            "total_tokens": took.tokens_in + took.tokens_out,
            "prompt_tokens_details": {"cached_tokens": took.reused, "cut_characters": took.cut},
        }


def both(one: Usage, other: Usage) -> Usage:
    """The usage of two jobs together."""
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in Usage.model_fields})
