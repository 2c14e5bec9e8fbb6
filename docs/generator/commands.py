"""The page of commands: what `manyhands` and each of its commands take. Reads the command line, runs no command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from docs.generator.markdown import code, page, section, table
from infra.cli import build

INTRODUCTION = """\
`manyhands COMMAND --help` prints the same in a terminal. [Exit codes](exits.md) says how commands end, and
[Settings](settings.md) says what they read from the environment."""

#: Type of an option -> what stands behind it; a flag has nothing behind it.
VALUES = {"str": "TEXT", "Path": "PATH", "int": "NUMBER", "float": "NUMBER"}


def commands_page() -> str:
    return page("Commands", INTRODUCTION, *(_section(name, command) for name, command in commands()))


def commands() -> Iterator[tuple[str, Any]]:
    """Each command with its full name: "run", "plans save". A group that does something alone is a command too."""
    yield from _walk(typer.main.get_command(build()), "")


def _walk(group: Any, before: str) -> Iterator[tuple[str, Any]]:
    for name, command in sorted(group.commands.items()):
        if not hasattr(command, "commands"):
            yield before + name, command
            continue
        if command.invoke_without_command:
            yield before + name, command
        yield from _walk(command, f"{before}{name} ")


def _section(name: str, command: Any) -> str:
    given = [each for each in command.params if each.name != "help"]
    arguments = [each for each in given if each.param_type_name == "argument"]
    usage = " ".join(["manyhands", name, *(["[OPTIONS]"] * (len(given) > len(arguments))), *map(_metavar, arguments)])
    rows = [_row(each) for each in given]
    help = " ".join((command.help or "").split())
    return section(f"## {name}", help, f"```text\n{usage}\n```", table(["takes", "default", "meaning"], rows))


def _metavar(argument: Any) -> str:
    name = (argument.metavar or argument.name).strip("[]").upper()
    return f"{name if argument.required else f'[{name}]'}{'...' if argument.nargs == -1 else ''}"


def _row(given: Any) -> list[str]:
    if given.param_type_name == "argument":
        return [code(_metavar(given)), _default(given), given.help or ""]
    names = ", ".join(map(code, [*given.opts, *given.secondary_opts]))
    takes = given.metavar or VALUES.get(given.bare_type().removeprefix("list[").removesuffix("]"), "")
    return [
        " ".join([names, takes]) + (", may be repeated" if given.multiple else ""),
        _default(given),
        given.help or "",
    ]


def _default(given: Any) -> str:
    if given.required:
        return "needed"
    if given.default is None or given.default in ((), []) or given.default is False:
        return ""
    return code(str(given.default).lower() if given.default is True else str(given.default))
