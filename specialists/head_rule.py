"""`[head]`: which field of the output is read off in which way, checked against the schemas. Runs no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from specialists.copies import Copy, Mask
from specialists.schemas import MASK_OF, SPAN_OF, WORDS_OF, Json

Kind = Literal["label", "labels", "tags", "score"]


class HeadRule(BaseModel):
    """What reads the output off the base's hidden states in one pass, in the place of `[decoding]`.

    - `label`: one value of each field that has an `enum`.
    - `labels`: any number of values of an `enum`, for a field that is a list of them.
    - `tags`: parts of one input field, for fields with `x-span-of` or `x-words-of`; or which of its parts vary, with
      `x-mask-of`.
    - `score`: a number between the field's `minimum` and `maximum`.

    The kind is that of the main field. Other fields of the output may be labels too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind = Field(description="What is read off: see the list above.")
    layers: int | None = Field(
        default=None, gt=0, description="How many layers of the base are run, the first ones. Without it all are."
    )
    both_ways: bool = Field(
        default=True, description="Whether each token sees the whole text, or only what stands before it."
    )
    abstain_below: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="A text that is less likely than this to have any of the labels gets the label `abstain_as`. "
        "`manyhands train --abstain` chooses it. Without it the likeliest label is always the answer.",
    )
    abstain_as: str = Field(
        default="unknown", description="The label of a text that seems to have none. The field's `enum` must have it."
    )

    @property
    def fits_linear(self) -> bool:
        """Whether the base without layers can be read so."""
        return self.kind in ("label", "labels") and self.layers is None


@dataclass(frozen=True)
class FieldRule:
    """How one field of the output is read."""

    field: str
    kind: Kind
    values: tuple[Any, ...] = ()  #: of a label: those to choose from; of tags: the types of span
    #: of tags: a string, a list of strings or of objects with a type, or the whole field with marks for what varies
    shape: Literal["one", "list", "typed", "mask"] = "one"
    names: tuple[str, str] = ("", "")  #: of typed tags: the fields of an object that hold its type and its text
    copy: Copy | None = None  #: of tags: the input field that spans are parts of
    lengths: tuple[int, int | None] = (0, None)  #: of tags: the fewest and most characters of a text
    mask: Mask | None = None  #: of a mask: the input field, and what stands for each part that varies
    bounds: tuple[float, float] = (0.0, 0.0)  #: of a score
    whole: bool = False  #: of a score: it is an integer
    most: int | None = None  #: of a list: the most items
    optional: bool = False  #: whether an output may leave the field out

    @property
    def source(self) -> str | None:
        """The input field that spans are parts of, or that a mask is of."""
        copied = self.copy or self.mask
        return copied.field if copied else None

    @property
    def needs_text(self) -> bool:
        """Whether every output has some characters of text for it."""
        return not self.optional and self.lengths[0] > 0


def field_rules(output_schema: Json) -> list[FieldRule]:
    """The fields that a head can read, in the order of the schema. Other fields have no rule."""
    required = output_schema.get("required", ())
    found = [rule for name, schema in output_schema["properties"].items() if (rule := _rule(name, schema))]
    return [replace(rule, optional=rule.field not in required) for rule in found]


def head_faults(rule: HeadRule, input_schema: Json, output_schema: Json) -> list[str]:
    """Why a head of this kind cannot read the output."""
    rules = {each.field: each for each in field_rules(output_schema)}
    if unread := [name for name in output_schema["properties"] if name not in rules]:
        return [
            f"[head] cannot read {', '.join(unread)} of the output: a head reads a string with an enum, a list of "
            f"those, a string with {SPAN_OF} or {WORDS_OF} alone or in a list, a string with {MASK_OF}, and a number "
            "with minimum and maximum"
        ]
    kinds = {each.kind for each in rules.values()}
    if kinds - {"label"} != {rule.kind} - {"label"}:
        said = ", ".join(f"{each.field} needs {each.kind}" for each in rules.values()) or "there are no fields"
        return [f"[head] kind = {rule.kind!r} does not fit the output: {said}"]
    if fault := _abstain_fault(rule, list(rules.values())):
        return [fault]
    sources = {each.source for each in rules.values() if each.source}
    strings = [name for name, schema in input_schema["properties"].items() if schema.get("type") == "string"]
    if len(sources) > 1:
        return [f"[head] reads spans of one input field; the output has some of: {', '.join(sorted(sources))}"]
    return [
        f"[head] reads spans of {each!r}, no string of the input; it has: {', '.join(strings) or 'none'}"
        for each in sources - {*strings}
    ]


def _abstain_fault(rule: HeadRule, rules: Sequence[FieldRule]) -> str | None:
    if rule.abstain_below is None:
        return None
    if rule.kind != "label" or len(rules) != 1:
        return "[head] abstain_below is for an output of one label"
    [only] = rules
    if rule.abstain_as not in only.values:
        return (
            f"[head] abstain_as = {rule.abstain_as!r} is no value of {only.field!r}: add it to the enum of "
            "output.schema.json, or say which value stands for none of them"
        )
    return None


def _rule(name: str, schema: Json) -> FieldRule | None:
    if "enum" in schema:
        return FieldRule(name, "label", tuple(schema["enum"]))
    match schema.get("type"):
        case "string" if copy := Copy.of(schema):
            return FieldRule(name, "tags", (name,), copy=copy, lengths=_lengths(schema))
        case "string" if mask := Mask.of(schema):
            return FieldRule(name, "tags", shape="mask", mask=mask)
        case "number" | "integer" if "minimum" in schema and "maximum" in schema:
            bounds = float(schema["minimum"]), float(schema["maximum"])
            return FieldRule(name, "score", bounds=bounds, whole=schema["type"] == "integer")
        case "array":
            return _list_rule(name, schema.get("items", {}), schema.get("maxItems"))
    return None


def _list_rule(name: str, items: Json, most: int | None) -> FieldRule | None:
    if "enum" in items:
        return FieldRule(name, "labels", tuple(items["enum"]), most=most)
    if copy := Copy.of(items):
        return FieldRule(name, "tags", (name,), "list", copy=copy, lengths=_lengths(items), most=most)
    return next(_typed(name, items.get("properties", {}), most), None)


def _typed(name: str, properties: Json, most: int | None) -> Iterator[FieldRule]:
    """Of a list of objects with two fields: a label, and a part of the input."""
    types = [each for each, schema in properties.items() if "enum" in schema]
    texts = [each for each, schema in properties.items() if Copy.of(schema)]
    if len(types) == len(texts) == 1 and len(properties) == 2:
        [kind], [text] = types, texts
        values, said = tuple(properties[kind]["enum"]), properties[text]
        yield FieldRule(name, "tags", values, "typed", (kind, text), Copy.of(said), _lengths(said), most=most)


def _lengths(schema: Json) -> tuple[int, int | None]:
    return schema.get("minLength", 0), schema.get("maxLength")
