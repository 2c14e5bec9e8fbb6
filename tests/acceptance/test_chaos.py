"""The short form of `make chaos`: processes are killed while jobs run, and the auditor is tried on a planted fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.chaos.blows import COUNTED, Odds
from benchmarks.chaos.killing import PLANTED, Round, play
from benchmarks.chaos.processes.scripts import EditFailed, audited, gives_away
from infra.ledger.redis import scripts


def test_nothing_is_lost_and_nothing_done_twice_while_processes_are_killed(tmp_path: Path) -> None:
    game = Round(jobs=300, seed=2, seconds=10, share=0, workers=3, odds=Odds(worker=4, coordinator=2, redis=1))
    report = play(tmp_path, game)
    assert report.violations == []
    struck = [report.figures.get(f"{who} killed", 0) for who in ("workers", "coordinators", "Redis")]
    assert all(struck), report.figures
    held = [report.figures.get(name, 0) for _, name in COUNTED.values()]
    assert all(held), f"what was killed held no work, so that nothing is shown: {report.figures}"
    troubled = ("pauses", "goals cancelled", "goals taken up again", "jobs answered by another")
    assert all(report.figures.get(name, 0) for name in troubled), report.figures


def test_a_ledger_without_its_fence_is_caught(tmp_path: Path) -> None:
    report = play(tmp_path, replace(PLANTED, seed=1, workers=3, plant="no-fence", bound_s=8))
    assert gives_away("no-fence", report.kinds()), report


def test_a_script_that_the_audit_does_not_know_any_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "load", lambda name: f"return '{name}'")
    with pytest.raises(EditFailed, match="the script was rewritten"):
        audited(None)
