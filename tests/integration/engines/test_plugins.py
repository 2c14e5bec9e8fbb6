"""An engine and an answer format of another package: installed, they serve a folder; nothing of ours is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.settings import Settings
from specialists.catalog import CatalogError, load_catalog
from specialists.formats import known_formats
from specialists.specialist import load_specialist
from workers.engines.load import load_engines
from workers.measuring.evaluate import ask

#: As somebody else would write it: an engine that answers at once, and a format that shouts.
MODULE = """
import json
from concurrent.futures import Future

from workers.engines import Completion, EngineStats, Finish


class ReverseEngine:
    name, build, precision = "reverse", None, None

    @classmethod
    def create(cls, specialists, settings):
        return cls()

    def submit(self, request):
        future = Future()
        text = json.loads(request.prompt)["text"][::-1].upper() + "!"
        future.set_result(Completion(text, Finish.STOP, 1, 1))
        return future

    def cancel(self, request_id):
        pass

    def close(self):
        pass

    def healthy(self):
        return True

    def stats(self):
        return EngineStats()


class ShoutFormat:
    def __init__(self, output_schema):
        (self.field,) = output_schema["properties"]

    def faults(self, input):
        return []

    def fields(self, input):
        return input

    def write(self, output):
        return output[self.field].upper() + "!"

    def read(self, text):
        return {self.field: text.removesuffix("!").lower()}

    def grammar(self, input):
        return "start: /[A-Z]+!/"

    def longest(self):
        return 50
"""
ENTRY_POINTS = """[manyhands.engines]
reverse = other_package:ReverseEngine

[manyhands.formats]
shout = other_package:ShoutFormat
"""
MANIFEST = """name = "backwards"
version = "1.0.0"
description = "Turns a word around."
engine = "reverse"

[decoding]
format = "shout"
"""
TEXT = {"type": "string", "minLength": 1, "maxLength": 20}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip installs it."""
    site = tmp_path / "site"
    about = site / "other_package-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "other_package.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(site)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "backwards"
    own.mkdir()
    (own / "specialist.toml").write_text(MANIFEST)
    (own / "prompt.txt").write_text('{"text": "{{text}}"}')
    for side, field in (("input", "text"), ("output", "word")):
        schema: dict[str, Any] = {"type": "object", "properties": {field: TEXT}, "required": [field]}
        (own / f"{side}.schema.json").write_text(json.dumps({**schema, "additionalProperties": False}))
    return own


@pytest.mark.usefixtures("package")
def test_an_installed_package_brings_an_engine_and_a_format(folder: Path) -> None:
    assert "shout" in known_formats()
    specialist = load_specialist(folder)
    assert load_catalog([folder], adapters=False).get("backwards").manifest.engine == "reverse"
    engine = load_engines([specialist], Settings(_env_file=None))["backwards"]
    (asked,) = ask(specialist, [{"text": "hand"}], engine)
    assert (asked.output, asked.refused) == ({"word": "dnah"}, None)


def test_without_the_package_the_folder_is_refused_with_the_engines_that_are_known(folder: Path) -> None:
    with pytest.raises(CatalogError, match=r"unknown engine 'reverse'; known: function, llama\.cpp, planner, ray"):
        load_catalog([folder], adapters=False)
