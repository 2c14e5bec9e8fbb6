"""Reads what the command line gives: inputs by name, a whole job input, a plan in a file. Knows no API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from coordinator.commands.data_files import read_file, read_object, source_of
from coordinator.commands.data_forms import GivenError, read_json
from infra.json_lines import STANDARD_INPUT
from infra.json_values import unwritable
from infra.records import Json


def read_inputs(pairs: Iterable[str]) -> Json:
    """Inputs by name: `name=text`, `name=@file` or `name:=JSON`. Raises GivenError."""
    inputs: Json = {}
    of_standard_input: str | None = None
    for pair in pairs:
        name, equals, value = pair.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not name:
            raise GivenError(f"--input {pair[:80]!r}: write name=text, name=@file or name:=JSON")
        if name in inputs:
            raise GivenError(f"--input {name}: given twice")
        if is_json:
            inputs[name] = read_json(f"--input {name}", value)
        elif value.startswith("@"):
            if source_of(value[1:]).path == STANDARD_INPUT:
                if of_standard_input:
                    raise GivenError(f"--input {name}: standard input is {of_standard_input!r} already")
                of_standard_input = name
            inputs[name] = read_file(f"--input {name}", value[1:])
        else:
            inputs[name] = _said(name, value)
    return inputs


def read_job_input(given: Sequence[str]) -> Json:
    """A job's input, given by names or as a whole in one file. Raises GivenError."""
    whole = [each for each in given if each.startswith("@")]
    if not whole:
        return read_inputs(given)
    where = f"--input {whole[0][:80]!r}"
    if len(given) > 1:
        raise GivenError(f"{where}: is the whole input; give nothing beside it")
    value = read_file(where, whole[0][1:])
    if not isinstance(value, dict):
        raise GivenError(f"{where}: must hold a JSON object, in a file that ends in .json")
    return value


def read_plan_file(path: Path) -> Json:
    """The object in a plan file: a plan, or the output of `manyhands plans show`. Raises GivenError."""
    return read_object("--plan", path, "with the plan's steps")


def _said(name: str, value: str) -> str:
    if unwritable(value):  # the argument is not UTF-8
        raise GivenError(f"--input {name}: is not UTF-8; write it to a file in UTF-8 and give name=@file")
    return value
