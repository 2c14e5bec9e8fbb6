"""`manyhands curve` beside the training: what it refuses before it trains."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli import build
from specialists.catalog import SHIPPED
from specialists.examples import EXAMPLES


def curve(name: str, data: Path, *options: str) -> Result:
    return CliRunner().invoke(build(), ["curve", name, "--data", str(data), "--dev", str(data), *options])


@pytest.mark.parametrize("counts", ["0", "100,a", "100,,300", "-5"])
def test_what_is_no_number_of_examples_is_refused(counts: str) -> None:
    said = curve("triage", SHIPPED / "triage" / EXAMPLES, f"--counts={counts}")
    assert said.exit_code == 2
    assert "is no number of examples; give some by comma, such as 100,300" in said.stderr


@pytest.mark.parametrize("name", ["count", "planner"])
def test_what_has_no_language_model_has_no_curve(name: str) -> None:
    said = curve(name, SHIPPED / "triage" / EXAMPLES)
    assert said.exit_code == 2
    assert "there is no language model to train" in said.stderr
