"""Supervised processes: started again when they die, later each time, and gone when they are stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.process.child import Child, stop_all
from infra.process.ticking_child import TickingChild
from tests.support.eventually import eventually

SLEEPS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


@pytest.fixture
def children() -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        child.stop(until=0.0)


def started(children: list[Child], command: list[str], folder: Path) -> Child:
    child = Child("sleeper", command, dict(os.environ), folder / "logs" / "sleeper.log")
    children.append(child)
    child.start()
    return child


def mended(child: Child, was: int | None) -> int:
    """The new process's id, once there is one."""

    def look() -> int | None:
        child.mend()
        return None if child.pid == was else child.pid

    return eventually(look)


def until_up(child: Child, times: int = 1) -> None:
    eventually(lambda: child.log.read_text().count("up") >= times)


def test_a_child_that_is_killed_is_started_again(children: list[Child], tmp_path: Path) -> None:
    child = started(children, SLEEPS, tmp_path)
    first = child.pid
    assert first
    os.kill(first, signal.SIGKILL)
    assert mended(child, first) != first


def test_a_child_that_keeps_dying_is_started_later_each_time(children: list[Child], tmp_path: Path) -> None:
    child = started(children, [sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
    said = [eventually(child.mend) for _ in range(3)]
    assert [sentence.split("; ")[1] for sentence in said] == [f"starting it again in {wait} s" for wait in (0, 1, 3)]
    assert "sleeper ended (code 3)" in said[0]


def test_a_child_that_has_died_for_days_still_has_a_next_start(children: list[Child], tmp_path: Path) -> None:
    child = started(children, [sys.executable, "-c", "raise SystemExit(3)"], tmp_path)
    child.restarts = 5_000
    assert "starting it again in 30 s" in eventually(child.mend)


def test_stopping_ends_every_child(children: list[Child], tmp_path: Path) -> None:
    one, two = started(children, SLEEPS, tmp_path / "a"), started(children, SLEEPS, tmp_path / "b")
    stop_all([one, two])
    assert (one.pid, two.pid) == (None, None)


def test_a_child_that_does_not_listen_is_killed_when_time_is_up(children: list[Child], tmp_path: Path) -> None:
    child = started(children, STUBBORN, tmp_path)
    until_up(child)
    child.ask_to_stop()
    child.stop(until=time.monotonic() + 0.2)
    assert child.pid is None


def test_each_life_of_a_child_that_ticks_is_silent_only_after_its_own_first_tick(
    children: list[Child], tmp_path: Path
) -> None:
    """The first life ticks and ends; the second one never ticks."""
    lives = tmp_path / "lives"
    code = (
        "import os, pathlib, sys, time\n"
        f"lives = pathlib.Path({str(lives)!r})\n"
        "if not lives.exists():\n"
        "    lives.touch()\n"
        "    os.write(int(sys.argv[1].removeprefix('--ticks=')), b'.')\n"
        "    sys.exit(3)\n"
        "time.sleep(600)\n"
    )
    child = TickingChild("ticker", [sys.executable, "-c", code])
    children.append(child)
    child.start()
    while child.look() is None:
        time.sleep(0.01)
    assert (child.code, child.has_ticked) == (3, True)
    mended(child, None)
    looks = [child.look() for _ in range(5)]
    assert looks == [None] * 5
    assert (child.has_ticked, child.silent) == (True, 0)
