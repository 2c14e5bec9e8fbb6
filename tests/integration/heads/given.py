"""Specialists with heads, in folders of their own, on bases of random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from specialists.examples import Example
from specialists.specialist import Specialist, load_specialist

INPUT = {
    "type": "object",
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 200}},
    "required": ["text"],
    "additionalProperties": False,
}
SPAN = {"type": "string", "minLength": 1, "maxLength": 60, "x-span-of": "text"}
WORDS = {"type": "string", "minLength": 1, "maxLength": 60, "x-words-of": "text"}
MOOD: dict[str, Any] = {"mood": {"enum": ["glad", "sad", "cross", "unknown"]}}
TOPICS: dict[str, Any] = {"topics": {"type": "array", "items": {"enum": ["tea", "rain", "work"]}, "maxItems": 3}}
STARS: dict[str, Any] = {"stars": {"type": "integer", "minimum": 1, "maximum": 5}}
FORM: dict[str, Any] = {"form": {"type": "string", "maxLength": 400, "x-mask-of": "text"}}
NAMES: dict[str, Any] = {
    "mood": {"enum": ["glad", "sad"]},
    "names": {
        "type": "array",
        "maxItems": 4,
        "items": {
            "type": "object",
            "properties": {"kind": {"enum": ["person", "town"]}, "name": SPAN},
            "required": ["kind", "name"],
            "additionalProperties": False,
        },
    },
}
BILL: dict[str, Any] = {"shop": WORDS, "address": {**WORDS, "minLength": 0}, "total": WORDS}


def specialist(
    folder: Path, base: Path, properties: dict[str, Any], head: str, required: list[str] | None = None
) -> Specialist:
    """`head`: the lines of the table. It is loaded as any folder is."""
    folder.mkdir()
    output = {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }
    (folder / "specialist.toml").write_text(
        f'name = "{folder.name}"\nversion = "1.0.0"\ndescription = "Tells things."\nengine = "transformers"\n'
        f'\n[base]\nname = "{base}"\n\n[head]\n{head}\n\n[limits]\ninput_tokens = 48\n'
    )
    (folder / "input.schema.json").write_text(json.dumps(INPUT))
    (folder / "output.schema.json").write_text(json.dumps(output))
    (folder / "prompt.txt").write_text("Text: {{text}}\nAnswer:")
    return load_specialist(folder)


def moods(count: int = 36) -> list[Example]:
    """Each mood has its own words."""
    words = {"glad": ("sunny", "bright"), "sad": ("gloomy", "grey"), "cross": ("furious", "loud")}
    return [
        Example({"text": f"a {words[mood][n % 2]} day {n}"}, {"mood": mood})
        for n in range(count)
        for mood in [list(words)[n % 3]]
    ]


def forms() -> list[Example]:
    """Lines of which an empty part varies, or a blank between constants, or none between parts, or nothing."""
    numbers = (7, 12, 38, 401, 5000)
    return [
        Example({"text": text}, {"form": form})
        for n in numbers
        for text, form in (
            (f"port {n} of host {n + 3} is up", "port <*> of host <*> is up"),
            (f"key= took {n} ms", "key=<*> took <*> ms"),
            (f"sent {n} bytes in all", "sent <*> bytes<*>in all"),
            (f"at {n} {n + 1} {n + 2} end", "at <*> <*> <*> end"),
            (" nothing to do", "nothing to do"),
        )
    ]


def names() -> list[Example]:
    people, towns = ("Ada", "Grace Hopper", "Edsger", "Barbara"), ("York", "New York", "Oslo", "Ulm")
    return [
        Example(
            {"text": f"{person} is {mood} in {town}."},
            {"mood": mood, "names": [{"kind": "person", "name": person}, {"kind": "town", "name": town}]},
        )
        for person in people
        for town in towns
        for mood in ("glad", "sad")
    ]


def bills(count: int = 24) -> list[Example]:
    """Of one in three there is no address; the total stands twice; a line end is a space in what is told."""
    shops, streets = ("Ada & Co", "Tea House", "Red Lion"), ("Quay Road,\nYork", "High St,\n\nOslo", "")
    return [
        Example(
            {"text": f"{shops[n % 3]}\n{street}\nsum {total}\ncash  {total}"},
            {"shop": shops[n % 3], "address": " ".join(street.split()), "total": total},
        )
        for n in range(count)
        for street in [streets[n // 3 % 3]]
        for total in [f"{n}.50"]
    ]
