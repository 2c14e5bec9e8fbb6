"""Copies: strings of an output that are parts of an input field, or a mask of it. Runs no model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from specialists.masks import MARK, is_mask
from specialists.schemas import COPIES, MASK_OF, MASK_WITH, PARTS, WORDS_OF, Json, kinds_of, schema_at


@dataclass(frozen=True)
class Copy:
    """What a schema says of a string that is a part of an input field."""

    field: str  #: of the input
    as_words: bool  #: each run of the field's blanks and line breaks is one space in the copy

    @classmethod
    def of(cls, schema: Json) -> Copy | None:
        """None where the schema has no such string."""
        found = next((key for key in PARTS if key in schema), None)
        return None if found is None else cls(schema[found], found == WORDS_OF)

    def source(self, input: Json) -> str:
        """The text that every copy is a part of; empty where the input has none, so that nothing can be copied."""
        text = input.get(self.field)
        return self.written(text) if isinstance(text, str) else ""

    def written(self, text: str) -> str:
        """`text`, a part of the field, as it is copied."""
        return spaced(text) if self.as_words else text


@dataclass(frozen=True)
class Mask:
    """What a schema says of a string that is an input field with marks for what varies."""

    field: str  #: of the input
    mark: str

    @classmethod
    def of(cls, schema: Json) -> Mask | None:
        """None where the schema has no such string."""
        return cls(schema[MASK_OF], str(schema.get(MASK_WITH, MARK))) if MASK_OF in schema else None

    def fits(self, text: str, input: Json) -> bool:
        """Whether `text` is a mask of the input's field."""
        source = input.get(self.field)
        return is_mask(text, source if isinstance(source, str) else "", self.mark)


def spaced(text: str) -> str:
    """The words of `text` with one space between them."""
    return " ".join(text.split())


def copy_faults(value: Any, schema: Json, input: Json, where: str) -> list[str]:
    """Every string of `value` that its schema calls a part or a mask of the input, and that is none."""
    copy, mask = Copy.of(schema), Mask.of(schema)
    if mask is not None and isinstance(value, str):
        return [] if mask.fits(value, input) else [f"{where}: not a mask of the input's {mask.field!r}"]
    if copy is not None and isinstance(value, str):
        what = "words" if copy.as_words else "a part"
        return [] if value in copy.source(input) else [f"{where}: not {what} of the input's {copy.field!r}"]
    if isinstance(value, list):
        return [
            f for n, item in enumerate(value) for f in copy_faults(item, schema_at(schema, n), input, f"{where}.{n}")
        ]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return [
            f
            for name in value
            if name in known
            for f in copy_faults(value[name], known[name], input, f"{where}.{name}")
        ]
    return []


def schema_faults_of_copies(schema: Any, input_schema: Json, where: str, held: bool = True) -> list[str]:
    """Why a string of an output that is to be copied could not be: nothing would hold it, or there is no such text.

    `held`: it stands where grammars hold a copy and answers are checked for one.
    """
    if not isinstance(schema, dict):
        return []
    faults = list(_faults(schema, input_schema, where, held))
    for name, child in schema.get("properties", {}).items():
        faults += schema_faults_of_copies(child, input_schema, f"{where}.{name}", held)
    for child in [schema.get("items"), *schema.get("prefixItems", [])]:
        faults += schema_faults_of_copies(child, input_schema, f"{where}.items", held)
    for child in [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]:
        faults += schema_faults_of_copies(child, input_schema, f"{where}.*", False)
    for child in schema.get("anyOf", []):
        faults += schema_faults_of_copies(child, input_schema, f"{where}.anyOf", False)
    return faults


def _faults(schema: Json, input_schema: Json, where: str, held: bool) -> Iterator[str]:
    said = [key for key in COPIES if key in schema]
    if len(said) > 1:
        yield f"{where}: say one of {', '.join(map(repr, said))}, since a text is copied in one way"
        return
    if MASK_WITH in schema and MASK_OF not in schema:
        yield f"{where}: {MASK_WITH!r} is for a string with {MASK_OF!r}"
    mark = schema.get(MASK_WITH, MARK)
    if not (isinstance(mark, str) and mark.strip()):
        yield f"{where}: {MASK_WITH!r} must be a text that can be seen"
    for key in said:
        if not held:
            yield f"{where}: {key!r} is not held in a map or in 'anyOf'; give the text a property of its own"
        elif "string" not in kinds_of(schema) or "enum" in schema or "const" in schema:
            yield f"{where}: {key!r} is of a string, so say 'type': 'string', and no 'enum' or 'const'"
        elif schema[key] not in (strings := _strings(input_schema)):
            told = ", ".join(strings) or "none"
            yield f"{where}: {key!r}: {schema[key]!r} is no string of the input; its strings: {told}"


def _strings(input_schema: Json) -> list[str]:
    named = input_schema["properties"].items()
    return [name for name, each in named if isinstance(each, dict) and "string" in kinds_of(each)]
