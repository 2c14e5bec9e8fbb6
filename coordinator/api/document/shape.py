"""Shapes: they describe bodies for the OpenAPI document. No body is checked against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Shape(BaseModel):
    """An object with these fields and no others. A field with a default may be left out of what is sent."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class Described:
    """Marks a type that is described as `shape`. Its values are sent unchecked, because a result may have 24 MB."""

    shape: Any

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return shape_schema(self.shape, handler)


def shape_schema(shape: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """The JSON Schema of `shape`, which becomes one of the document's components."""
    return handler(core_schema.definitions_schema(TypeAdapter(shape).core_schema, []))
