"""The page of `specialist.toml`: each key of the class `Manifest`, a section for each table. Reads no folder."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.generator.fields import allowed, default, table_of, unit
from docs.generator.markdown import code, page, table
from specialists.manifest import Manifest

INTRODUCTION = """\
A specialist is a folder, and `specialist.toml` in it says what the specialist is. A key that is not listed here is an
error. All faults of a folder are reported together when it loads. [Specialists](../specialists.md) says what the other
files of the folder are."""


def manifest_page() -> str:
    return page("specialist.toml", INTRODUCTION, "## Keys of the file itself", _keys(Manifest), *_tables())


def keys() -> Iterator[str]:
    """Each key, with its table before it: "name", "limits.input_tokens"."""
    for name, field in Manifest.model_fields.items():
        inner = table_of(field)
        yield from [f"{name}.{key}" for key in inner.model_fields] if inner else [name]


def _tables() -> Iterator[str]:
    for name, field in Manifest.model_fields.items():
        if inner := table_of(field):
            yield f"## [{name}]"
            yield " ".join([" ".join((inner.__doc__ or "").split()), field.description or ""])
            yield _keys(inner, f"{name}.")


def _keys(model: type[BaseModel], before: str = "") -> str:
    rows = [_row(name, field, before) for name, field in model.model_fields.items() if not table_of(field)]
    return table(["key", "default", "values", "unit", "meaning"], rows)


def _row(name: str, field: FieldInfo, before: str) -> list[str]:
    return [code(before + name), default(field), allowed(field), unit(name), field.description or ""]
