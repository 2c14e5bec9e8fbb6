"""The page of `specialist.toml`: each key of the class `Manifest`, a section for each table. Reads no folder."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.generator.fields import allowed, default, has_names, table_of, unit
from docs.generator.markdown import code, page, table
from specialists.manifest import Manifest

INTRODUCTION = """\
A specialist is a folder, and `specialist.toml` in it says what the specialist is. A key that is not listed here is an
error. All faults of a folder are reported together when it loads. [Specialists](../specialists.md) says what the other
files of the folder are."""


def manifest_page() -> str:
    return page("specialist.toml", INTRODUCTION, "## Keys of the file itself", _keys(Manifest), *_tables())


def _tables() -> Iterator[str]:
    for name, field in Manifest.model_fields.items():
        if inner := table_of(field):
            path = f"{name}.NAME" if has_names(field) else name
            yield f"## [{path}]"
            yield from (inspect.cleandoc(inner.__doc__ or ""), field.description or "")
            yield _keys(inner, f"{path}.")


def _keys(model: type[BaseModel], before: str = "") -> str:
    rows = [_row(name, field, before) for name, field in model.model_fields.items() if not table_of(field)]
    return table(["key", "default", "values", "unit", "meaning"], rows)


def _row(name: str, field: FieldInfo, before: str) -> list[str]:
    return [code(before + name), default(field), allowed(field), unit(name), field.description or ""]
