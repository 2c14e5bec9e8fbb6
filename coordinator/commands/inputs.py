"""What is given on the command line: inputs by name, the whole of a job's, a plan in a file. Knows no API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from coordinator.exits import Reason
from infra.records import Json


class GivenError(Reason, ValueError):
    """An input that cannot be read; says which, where and what is expected."""


def read_inputs(pairs: Iterable[str]) -> Json:
    """Inputs by name: `name=text`, `name=@file` or `name:=JSON`. Raises GivenError."""
    inputs: Json = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        is_json = name.endswith(":")
        name = name.removesuffix(":")
        if not equals or not name:
            raise GivenError(f"--input {pair[:80]!r}: write name=text, name=@file or name:=JSON")
        if name in inputs:
            raise GivenError(f"--input {name}: given twice")
        if is_json:
            inputs[name] = _read_json(value, f"--input {name}")
        else:
            inputs[name] = read_file(name, Path(value[1:])) if value.startswith("@") else value
    return inputs


def read_job_input(given: Sequence[str]) -> Json:
    """A job's input: by name, or the whole of it from one file. Raises GivenError."""
    whole = [each for each in given if each.startswith("@")]
    if not whole:
        return read_inputs(given)
    if len(given) > 1:
        raise GivenError(f"--input {whole[0][:80]!r}: is the whole input; give nothing beside it")
    value = read_file(whole[0], Path(whole[0][1:]))
    if not isinstance(value, dict):
        raise GivenError(f"--input {whole[0][:80]!r}: must hold a JSON object, in a file that ends in .json")
    return value


def read_file(name: str, path: Path) -> Any:
    """.jsonl: a list; .json: its value; anything else: one text. Raises GivenError."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise GivenError(f"--input {name}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise GivenError(f"--input {name}: {path} is not UTF-8 (byte {error.start})") from None
    if path.suffix == ".jsonl":
        return read_lines(name, path.name, text)
    if path.suffix == ".json":
        return _read_json(text, f"--input {name}: {path.name}")
    return text


def read_plan_file(path: Path) -> Json:
    """A plan, or what `manyhands plans show` prints. Raises GivenError."""
    try:
        value = _read_json(path.read_text("utf-8"), f"--plan {path}")
    except OSError as error:
        raise GivenError(f"--plan: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise GivenError(f"--plan: {path} is not UTF-8 (byte {error.start})") from None
    if not isinstance(value, dict):
        raise GivenError(f"--plan {path}: must hold a JSON object with the plan's steps")
    return value


def read_lines(name: str, file: str, text: str) -> list[Any]:
    """The values of JSON Lines. An object that holds one text and nothing else stands for that text."""
    values = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            value = _read_json(line, f"--input {name}: {file}:{number}")
            fields = list(value.values()) if isinstance(value, dict) else []
            values.append(fields[0] if len(fields) == 1 and isinstance(fields[0], str) else value)
    if not values:
        raise GivenError(f"--input {name}: {file} has no lines")
    return values


def _read_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise GivenError(f"{where}: not JSON: {error}") from None
