"""How outputs are scored: the form of a row of `[measure]`, checked against the schemas. Counts nothing itself."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from specialists.schemas import Json

How = Literal["exact", "fields", "accuracy", "macro_f1", "f1"]

#: Ways that count all fields of an output together; each of the others counts one field.
WHOLE = ("exact", "fields")


class MetricRule(BaseModel):
    """One metric of a specialist: a way to count right answers, and what it is counted over. All are in percent.

    - `exact`: the outputs in which nothing is wrong.
    - `fields`: the fields that are right, over all outputs together; one that is answered in vain is wrong.
    - `accuracy`: the outputs whose field `of` is right.
    - `macro_f1`: the mean over the values of the field `of`, a label, of each value's F1.
    - `f1`: F1 over the items of the field `of`, a list or a map of names to values, over all outputs together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: How = Field(description="How right answers are counted: see the list above.")
    of: str | None = Field(default=None, description="The field of the output that is counted.")
    only: str | None = Field(default=None, description="Only examples whose field has this value are counted.")
    but: str | None = Field(default=None, description="Examples whose field has this value are left out.")
    by: str | None = Field(default=None, description="A field of the input: the mean over its values is taken.")

    @model_validator(mode="after")
    def _says_what_it_counts(self) -> Self:
        if (self.of is None) != (self.how in WHOLE):
            what = "all fields of the output: leave out 'of'" if self.of else "one field of the output: name it by 'of'"
            raise ValueError(f"how = {self.how!r} counts {what}")
        if (self.only or self.but) and self.how != "accuracy":
            raise ValueError("'only' and 'but' choose examples for how = 'accuracy'")
        if self.only is not None and self.but is not None:
            raise ValueError("'only' and 'but' choose examples in two ways: leave out one of them")
        if self.by is not None and self.how != "macro_f1":
            raise ValueError("'by' is for how = 'macro_f1'")
        return self


def rule_faults(rule: MetricRule, input_schema: Json, output_schema: Json) -> list[str]:
    """The faults of the rule: names that the schemas do not have, and fields that cannot be counted in this way."""
    known = {name: schema for name, schema in output_schema["properties"].items() if _countable(rule, schema)}
    if rule.of is not None and rule.of not in known:
        kinds = {"macro_f1": "label", "f1": "list or map"}.get(rule.how, "field")
        return [f"of = {rule.of!r} is no {kinds} of the output; it has: {', '.join(known) or 'none'}"]
    faults = []
    if rule.by is not None and rule.by not in (inputs := input_schema["properties"]):
        faults.append(f"by = {rule.by!r} is no field of the input; it has: {', '.join(inputs) or 'none'}")
    values = known[rule.of].get("enum") if rule.of else None
    for key, value in (("only", rule.only), ("but", rule.but)):
        if value is not None and values is not None and value not in values:
            faults.append(f"{key} = {value!r} is no value of {rule.of!r}; it has: {', '.join(map(str, values))}")
    return faults


def _countable(rule: MetricRule, schema: Json) -> bool:
    """Whether the rule's way of counting fits the values of a field."""
    if rule.how == "macro_f1":
        return schema.get("type") == "string" or "enum" in schema
    return rule.how != "f1" or schema.get("type") in ("array", "object")
