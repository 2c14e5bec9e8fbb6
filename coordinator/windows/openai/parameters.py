"""Parameters of chats: what cannot be honoured is refused, and the rest is taken over. Knows no route."""

from __future__ import annotations

import re
from typing import Any

from coordinator.api.answers.problems import Problem
from coordinator.goals.tags import MOST_TAGS, TAG
from coordinator.windows.openai.chat_request import ChatRequest
from infra.records import Priority

_ONE_ANSWER = "a specialist has one answer, the likeliest"
_AS_TRAINED = "a specialist answers as it was trained, within its output schema"
#: Parameter -> the values that change nothing, and why others are refused.
_NEUTRAL: dict[str, tuple[tuple[Any, ...], str]] = {
    "n": ((1,), _ONE_ANSWER),
    "top_logprobs": ((0,), _ONE_ANSWER),
    "frequency_penalty": ((0,), _ONE_ANSWER),
    "presence_penalty": ((0,), _ONE_ANSWER),
    "logit_bias": (({},), _ONE_ANSWER),
    "stop": (([], ""), _AS_TRAINED),
    "reasoning_effort": (("none",), _AS_TRAINED),
    "verbosity": ((), _AS_TRAINED),
    "modalities": ((["text"],), "answers are text"),
    "audio": ((), "answers are text"),
    "functions": (([],), "send `tools`"),
    "function_call": (("none", "auto"), "send `tool_choice`"),
    "moderation": ((), "nothing here moderates"),
    "web_search_options": ((), "nothing here searches the web"),
}
_PRIORITIES = {"auto": Priority.NORMAL, "default": Priority.NORMAL, "priority": Priority.HIGH, "flex": Priority.LOW}


def refuse_unheard(asked: ChatRequest) -> None:
    """Raises Problem (400), which names all parameters that cannot be honoured."""
    said = {name: value for name in _NEUTRAL if (value := getattr(asked, name)) is not None}
    faults = {
        name: f"{name}: cannot be honoured: {_NEUTRAL[name][1]}; leave it out"
        for name, value in said.items()
        if value not in _NEUTRAL[name][0]
    }
    if asked.service_tier is not None and asked.service_tier not in _PRIORITIES:
        faults["service_tier"] = f"service_tier: must be one of {', '.join(_PRIORITIES)}"
    if not asked.tools and asked.tool_choice not in (None, "none", "auto"):
        faults["tool_choice"] = "tool_choice: there are no `tools` to choose from; send them, or leave it out"
    if asked.stream_options is not None and not asked.stream:
        faults["stream_options"] = "stream_options: are of a stream alone; send `stream`: true, or leave them out"
    if faults:
        raise unsupported(next(iter(faults)), *faults.values())


def unsupported(param: str, *faults: str) -> Problem:
    return Problem(
        400, "The request is not valid", list(faults), about={"param": param, "code": "unsupported_parameter"}
    )


def priority_of(asked: ChatRequest) -> Priority:
    return _PRIORITIES[asked.service_tier or "default"]


def tags_of(asked: ChatRequest) -> tuple[str, ...]:
    """Of `metadata` and `user`, what may be a tag."""
    pairs = [*(asked.metadata or {}).items(), *([("user", asked.user)] if asked.user else [])]
    tags = (f"{name}={value}" for name, value in pairs)
    return tuple(dict.fromkeys(tag for tag in tags if re.fullmatch(TAG, tag)))[:MOST_TAGS]
