"""Fields of pydantic models as rows: what may be given, what holds without it, what it means. Knows no model."""

from __future__ import annotations

from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.generator.markdown import code

KINDS = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "text, kept secret",
}
BOUNDS = {Gt: ("gt", "above"), Ge: ("ge", "at least"), Lt: ("lt", "below"), Le: ("le", "at most")}
UNITS = {"_s": "seconds", "_bytes": "bytes", "_tokens": "tokens"}


def unit(name: str) -> str:
    """By the end of the name, as units are in names."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "needed"
    if value is None:
        return "none"
    if isinstance(value, Path):
        return code(f"~/{value.relative_to(Path.home())}")
    if isinstance(value, (tuple, dict)):
        return "empty"
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def allowed(field: FieldInfo) -> str:
    """What may be given: "whole number above 0", "`fp32`, `bf16`, `int8`"."""
    kind = plain(field.annotation)
    if get_origin(kind) is Literal:
        return ", ".join(code(str(value)) for value in get_args(kind))
    if get_origin(kind) in (tuple, list):
        return "list"
    if get_origin(kind) is dict:
        return "table"
    bounds = [
        f"{words} {getattr(each, name):g}"
        for each in field.metadata
        for bound, (name, words) in BOUNDS.items()
        if isinstance(each, bound)
    ]
    longest = [f"at most {each.max_length} characters" for each in field.metadata if isinstance(each, MaxLen)]
    return " ".join([KINDS.get(kind, "text"), ", ".join([*bounds, *longest])]).strip()


def table_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model whose fields stand in a table of their own, or in one for each name."""
    kind = plain(field.annotation)
    if has_names(field):
        kind = plain(get_args(kind)[1])
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def has_names(field: FieldInfo) -> bool:
    """Whether names that the user chooses stand before the values."""
    return get_origin(plain(field.annotation)) is dict


def plain(kind: Any) -> Any:
    """Without `| None` and without annotations."""
    if get_origin(kind) is Annotated:
        return plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return plain(next(each for each in get_args(kind) if each is not NoneType))
    return kind
