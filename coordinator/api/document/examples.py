"""Examples: the OpenAPI document shows these request bodies. Tests send each of them."""

from __future__ import annotations

from typing import Any

from fastapi.openapi.models import Example

from infra.records import Json


def _example(summary: str, value: Any) -> Example:
    return Example(summary=summary, value=value)


_STEPS: list[Json] = [
    {
        "id": "s1",
        "type": "triage",
        "map": {"over": {"$ref": "inputs.messages"}, "as": "message"},
        "args": {"text": {"$ref": "message"}},
    },
    {"id": "s2", "type": "count", "args": {"items": {"$ref": "s1"}, "field": "intent"}},
]
_MESSAGES = ["My card is stolen.", "What is the exchange rate?"]
_TEXTS = {"type": "array", "items": {"type": "string"}}

GOALS = {
    "words": _example("In words", {"goal": "Count the messages by intent", "inputs": {"messages": _MESSAGES}}),
    "plan": _example("As a plan", {"plan": {"steps": _STEPS}, "inputs": {"messages": _MESSAGES}}),
    "saved": _example("By the name of a saved plan", {"saved": "intents", "inputs": {"messages": _MESSAGES}}),
}
CONFIRMATIONS = {"choice": _example("The first of the goal's plans", {"choice": 1})}
RERUNS = {"step": _example("From a step on", {"step": "s2"})}
JOBS = {"triage": _example("Sort a message", {"type": "triage", "input": {"text": "My card is stolen."}})}
BATCHES = {
    "two": _example(
        "Sort two messages",
        {
            "jobs": [
                {"type": "triage", "input": {"text": "My card is stolen."}, "tags": ["monday"]},
                {"type": "triage", "input": {"text": "What is the exchange rate?"}, "tags": ["monday"]},
            ]
        },
    )
}
PLANS = {
    "plan": _example("A plan with its inputs", {"plan": {"steps": _STEPS}, "inputs": {"messages": _TEXTS}}),
}
STATES = {"paused": _example("Pause the job type", {"state": "paused"})}
