"""Messages: the words of a chat's last message of the user. Knows no model."""

from __future__ import annotations

from coordinator.api.answers.problems import Problem
from coordinator.windows.openai.chat_request import ChatMessage, ChatRequest
from infra.records import Json


def refused(*faults: str, title: str = "The messages are not valid") -> Problem:
    return Problem(400, title, list(faults), about={"param": "messages"})


def last_of_user(asked: ChatRequest) -> ChatMessage:
    """Raises Problem (400)."""
    for message in reversed(asked.messages):
        if message.role == "user":
            return message
    raise refused("messages: none is of the role 'user'; the last one of it is what the model reads")


def text_of(message: ChatMessage) -> str:
    """The text of a message whose parts are all texts. Raises Problem (400)."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(map(part_text, message.content or []))


def part_text(part: Json) -> str:
    """Raises Problem (400) if the part is no text."""
    text = part.get("text")
    if part.get("type") != "text" or not isinstance(text, str):
        raise refused(f"messages: a part of type {str(part.get('type'))[:40]!r} cannot be read here; send text")
    return text
