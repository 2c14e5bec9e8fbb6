"""Names of chance: of job types, fields and inputs, as people and machines write them. Knows no schema."""

from __future__ import annotations

import random

#: What a field may be called. Most are plain; some are what plans call things themselves.
FIELDS = (
    *("text", "title", "body", "intent", "amount", "city", "due", "is_urgent", "tags", "author", "lines", "score"),
    *("item", "items", "inputs", "rows", "value", "value_2", "text_2", "s1", "s2", "counts", "count", "field", "kept"),
    *(
        "unit price",
        "größe",
        "受信箱",
        "E-Mail",
        "Straße (DE)",
        "7",
        "x:y",
        "total €",
        "isOpen",
        "مدينة",
        "a{b}",
        "$id",
    ),
)
#: Fields that a path cannot tell: rare, and legal in JSON Schema.
HARD_FIELDS = ("no.", "a.b", "tags[]", "[]", "", "$ref", " ", "line\nbreak")
#: Names of inputs that the API lets in (`coordinator.goals.input_names.input_faults`).
INPUTS = (
    *("messages", "tickets", "orders", "note", "photo", "mails", "log", "s1", "s2", "item", "inputs", "planner", "7"),
    *("Mails (March)", "größe", "受信箱", "e-mails/today", "x:y", "$ref", "rows", "a, b", "count", "it's", "x" * 64),
)
_VERBS = ("sort", "read", "rate", "find", "name", "translate", "summarise", "check", "match", "route", "score", "label")
_NOUNS = ("mail", "ticket", "order", "invoice", "review", "log", "photo", "claim", "lead", "page", "clause", "item")


def type_name(rng: random.Random) -> str:
    """As `specialist.toml` lets a job type be called."""
    name = f"{rng.choice(_VERBS)}_{rng.choice(_NOUNS)}"
    return rng.choice([name, name, f"{name}_{rng.randint(2, 99)}", rng.choice(("s1", "item", "messages", "note"))])


def field_names(rng: random.Random, count: int, hard: float = 0.0) -> list[str]:
    """Different ones; `hard`: the probability that one is of those that a path cannot tell."""
    found = rng.sample(FIELDS, count)
    if hard and found and rng.random() < hard:
        found[rng.randrange(len(found))] = rng.choice(HARD_FIELDS)
    return found
