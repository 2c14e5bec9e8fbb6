"""The figures of docs/results.md are those that were measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from specialists.catalog import SHIPPED, load_catalog
from specialists.measuring.facts import Facts

RESULTS = (Path(__file__).parents[3] / "docs/results.md").read_text("utf-8")
CELLS = ([cell.strip() for cell in line.strip().strip("|").split("|")] for line in RESULTS.splitlines())
ROWS = {cells[0]: cells for cells in CELLS if len(cells) == 6}
TRAINED = [each.name for each in load_catalog(adapters=False) if each.manifest.hosts_model]


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_a_row_of_what_ships_says_what_the_facts_say(name: str) -> None:
    measured = Facts.load(SHIPPED / name).measured
    assert measured
    said = re.findall(r"\d+\.\d", ROWS[name][3])
    assert said
    assert set(said) <= {f"{value:.1f}" for value in measured.metrics.values()}
    assert re.findall(r"\d+$", ROWS[name][2]) == [str(measured.n)]
    base = next(each for each in measured.compared if "few-shot" in each.who)
    assert set(ROWS[name][5].split(" / ")) <= {f"{value:.1f}" for value in base.metrics.values()}


def test_the_shortest_and_the_longest_training_are_those_of_the_facts() -> None:
    minutes = [round(trained.minutes) for name in TRAINED if (trained := Facts.load(SHIPPED / name).trained)]
    assert f"trained in {min(minutes)} to {max(minutes)} minutes" in RESULTS
