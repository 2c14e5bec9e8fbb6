"""A rung's own specialist folder, which trains and is served like any other, and how it takes the real one's place."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specialists.bases.weights import BASES
from specialists.formats import FormatError, load_format
from specialists.manifest_text import with_table, without
from specialists.measuring.card import CARD
from specialists.measuring.facts import FACTS
from specialists.schemas import Json
from specialists.specialist import ADAPTER, Specialist
from specialists.training.curve import CURVE
from specialists.training.ladder.rung import Rung

MANIFEST, PROMPT, EXAMPLES = "specialist.toml", "prompt.txt", "examples.jsonl"
_SCHEMAS = ("input.schema.json", "output.schema.json")
_OF_A_MODEL = ("base", "adapter", "decoding", "head", "confidence", "training")
_MADE = (MANIFEST, ADAPTER, PROMPT, CARD, FACTS, CURVE)


def make_folder(specialist: Specialist, rung: Rung, where: Path) -> Path:
    """The folder of `specialist` as a rung of `where`, untrained. A folder that is there is made anew."""
    folder = where / specialist.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*_SCHEMAS, EXAMPLES):
        if (specialist.folder / name).exists():
            shutil.copyfile(specialist.folder / name, folder / name)
    text = (specialist.folder / MANIFEST).read_text("utf-8")
    for table in _OF_A_MODEL:
        text = without(text, table)
    for table, values in _pinned(_writable(rung.tables(specialist), specialist.output_schema)).items():
        text = with_table(text, table, values)
    (folder / MANIFEST).write_text(text, "utf-8")
    (folder / PROMPT).write_text(prompt_of(specialist), "utf-8")
    return folder


def install(rung_folder: Path, folder: Path) -> None:
    """Put the model of a rung's folder, its prompt, card and facts into `folder`."""
    for name in _MADE:
        if (rung_folder / name).exists():
            shutil.copyfile(rung_folder / name, folder / name)


def prompt_of(specialist: Specialist) -> str:
    """The folder's own, or one that names each field of the input and asks for the output."""
    path = specialist.folder / PROMPT
    if path.exists():
        return path.read_text("utf-8")
    asked = " and ".join(specialist.output_schema["properties"])
    lines = [f"{_title(name)}: {{{{{name}}}}}" for name in specialist.input_schema["properties"]]
    return "\n".join([*lines, f"{_title(asked)}:"])


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _writable(tables: Mapping[str, dict[str, Any]], output_schema: Json) -> dict[str, dict[str, Any]]:
    """Answers are lines where the output can be written so, which is shorter than JSON."""
    found = dict(tables)
    if "decoding" in found:
        try:
            load_format("lines", output_schema)
        except FormatError:
            found["decoding"] = {"format": "json"}
    return found


def _pinned(tables: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    known = BASES.get(tables["base"]["name"])
    return {**tables, "base": {**tables["base"], **({"sha256": known.sha256} if known else {})}}
