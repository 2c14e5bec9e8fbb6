"""Random names of job types, fields and inputs, like those that people and machines write. Knows no schema."""

from __future__ import annotations

import random

#: Names for fields. Most are plain; some are names that plans use themselves.
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
#: Field names that no path can name: they are rare, and legal in JSON Schema.
HARD_FIELDS = ("no.", "a.b", "tags[]", "[]", "", "$ref", " ", "line\nbreak")
#: Names of inputs that the API accepts (`coordinator.goals.input_names.input_faults`).
INPUTS = (
    *("messages", "tickets", "orders", "note", "photo", "mails", "log", "s1", "s2", "item", "inputs", "planner", "7"),
    *("Mails (March)", "größe", "受信箱", "e-mails/today", "x:y", "$ref", "rows", "a, b", "count", "it's", "x" * 64),
)
_VERBS = ("sort", "read", "rate", "find", "name", "translate", "summarise", "check", "match", "route", "score", "label")
_NOUNS = ("mail", "ticket", "order", "invoice", "review", "log", "photo", "claim", "lead", "page", "clause", "item")


def type_name(rng: random.Random) -> str:
    """Make a name that `specialist.toml` allows for a job type."""
    name = f"{rng.choice(_VERBS)}_{rng.choice(_NOUNS)}"
    return rng.choice([name, name, f"{name}_{rng.randint(2, 99)}", rng.choice(("s1", "item", "messages", "note"))])


def field_names(rng: random.Random, count: int, hard: float = 0.0) -> list[str]:
    """Draw different names; `hard`: the probability that one of them is a name that no path can name."""
    found = rng.sample(FIELDS, count)
    if hard and found and rng.random() < hard:
        found[rng.randrange(len(found))] = rng.choice(HARD_FIELDS)
    return found
