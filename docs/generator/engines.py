"""The page of engines, formats and entry points: the protocols that a package of yours keeps. Loads no engine."""

from __future__ import annotations

import inspect
from importlib.metadata import entry_points
from types import ModuleType
from typing import get_args

import coordinator.rehearsal.planner
import infra.cli
import infra.plugins
from docs.generator.comments import comments, constants
from docs.generator.markdown import code, page, section, table
from specialists.formats import Format, known_formats
from specialists.manifest import OTHER_ENGINES, ModelEngine
from workers.engines import Completion, Elastic, Engine, EngineError, EngineStats, Finish, Request
from workers.engines.load import EngineClass

INTRODUCTION = """\
An installed package adds an engine or an answer format to manyhands by an entry point.
[Engines](../engines.md#an-engine-or-an-answer-format-of-your-own) shows one from start to end. This page has the
contracts that such a package keeps."""

#: Modules whose constants name groups of entry points.
GROUPS: list[ModuleType] = [infra.plugins, infra.cli, coordinator.rehearsal.planner]
RECORDS = [Request, Completion, Finish, EngineStats]


def engines_page() -> str:
    return page(
        "Engines, formats and entry points",
        INTRODUCTION,
        "## Entry points",
        table(["group", "what it registers", "registered by manyhands"], groups()),
        "The engines and formats that ship are in tables of their own, not behind entry points. "
        f"Engines: {_listed([*get_args(ModelEngine), *OTHER_ENGINES])}. Formats: {_listed(_shipped_formats())}.",
        *(_protocol(each) for each in (EngineClass, Engine, Elastic)),
        *(_record(each) for each in RECORDS),
        _error(),
        _protocol(Format),
    )


def groups() -> list[list[str]]:
    """Group, meaning and names, of each group of entry points."""
    return [
        [code(group), comment, _listed(sorted({each.name for each in entry_points(group=group)}))]
        for module in GROUPS
        for name, comment in constants(module).items()
        if str(group := getattr(module, name)).startswith("manyhands.")
    ]


def _shipped_formats() -> list[str]:
    return [name for name in known_formats() if name not in infra.plugins.plugins(infra.plugins.FORMATS)]


def _listed(names: list[str]) -> str:
    return ", ".join(map(code, names))


def _protocol(of: type) -> str:
    members = {
        name: member
        for name, member in vars(of).items()
        if name[0] != "_" and (inspect.isfunction(member) or isinstance(member, property))
    }
    rows = [[code(_signature(name, member)), inspect.getdoc(member) or ""] for name, member in members.items()]
    attributes = [[code(name), comment] for name, comment in comments(of).items()]
    return section(f"## {of.__name__}", _doc(of), table(["member", "meaning"], [*attributes, *rows]))


def _signature(name: str, member: object) -> str:
    if isinstance(member, property):
        return f"{name} -> {inspect.signature(member.fget).return_annotation}" if member.fget else name
    assert inspect.isfunction(member)
    signature = inspect.signature(member)
    given = [each for each in signature.parameters.values() if each.name != "self"]
    return name + str(signature.replace(parameters=given)).replace("'", "").replace(" -> None", "")


def _record(of: type) -> str:
    rows = [[code(name), comment] for name, comment in comments(of).items()]
    return section(f"## {of.__name__}", _doc(of), table(["field", "meaning"], rows))


def _error() -> str:
    return section("## EngineError", _doc(EngineError))


def _doc(of: type) -> str:
    text = of.__dict__.get("__doc__") or ""
    return "" if text.startswith(f"{of.__name__}(") else inspect.cleandoc(text)
