"""The changelog and the pages name what there is: each job type that ships, and no command that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from infra.cli import build
from specialists.catalog import load_catalog

ROOT = Path(__file__).parents[3]
CHANGES = (ROOT / "CHANGELOG.md").read_text("utf-8")
#: The log tells of commands that are gone.
PAGES = [ROOT / "CHANGELOG.md", ROOT / "README.md", *sorted(set(ROOT.glob("docs/*.md")) - {ROOT / "docs/log.md"})]
COMMAND = re.compile(r"(?:^|[`/ ])manyhands ([a-z]+(?:-[a-z]+)*)(?= [-A-Z@\"]|`)", re.MULTILINE)
KNOWN = set(typer.main.get_command(build()).list_commands(None))  # type: ignore[attr-defined]


def test_each_job_type_that_ships_is_named() -> None:
    unnamed = [
        each.name for each in load_catalog(adapters=False) if each.name != "planner" and f"`{each.name}`" not in CHANGES
    ]
    assert not unnamed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_commands_that_there_are(page: Path) -> None:
    assert set(COMMAND.findall(page.read_text("utf-8"))) <= KNOWN


def test_commands_are_found_in_the_changelog() -> None:
    assert {"confirm", "eval", "plans", "train-planner", "workers"} <= set(COMMAND.findall(CHANGES))
