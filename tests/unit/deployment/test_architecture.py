"""The page about the architecture names every folder and every transition."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.ledger.redis.scripts import SCRIPTS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
ROOMS = [
    folder.relative_to(ROOT).as_posix()
    for package in ("infra", "specialists", "workers", "coordinator", "benchmarks", "tests")
    for folder in sorted((ROOT / package).iterdir())
    if any(file.is_file() and "__pycache__" not in file.parts for file in folder.rglob("*"))
]
#: Scripts that are a part of another transition, and those that change nothing.
OTHERS = {"close_run", "remake", "settle", "stage", "depths", "loads"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_folder_has_its_line(room: str) -> None:
    assert re.search(rf"^\| .*`{room}/`.* \|.+\|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("script", sorted(SCRIPTS.keys() - OTHERS))
def test_a_transition_has_its_row(script: str) -> None:
    assert re.search(rf"^\| ([a-z_]+, )*{script}(, [a-z_]+)* \|", PAGE, re.MULTILINE)
