"""The supervisor and its worker as processes, the worker made up: which end is final, and which is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from workers.upkeep.ending import BROKEN, REFUSED
from workers.upkeep.supervisor import LOOK_S

WAIT_S = 60
STALL_S = 1.0

#: What each made-up worker begins with. `lives` is a file that each life adds its pid to.
HEAD = """
import ctypes, os, signal, sys, time
lives, ticks = sys.argv[1:]
with open(lives, "a") as file:
    print(os.getpid(), file=file)
life = len(open(lives).readlines())
def tick():
    os.write(int(ticks.removeprefix("--ticks=")), b".")
def ready():
    open(lives + ".ready", "w").close()
def serve():
    while True:
        tick()
        time.sleep(0.1)
"""
SUPERVISOR = """
import os, sys
from workers.upkeep import supervisor
supervisor.END_S = 0.5
command = [sys.executable, "-c", *sys.argv[1:]]
sys.exit(supervisor.Supervisor(command, os.environ, stall_s={stall_s}, grace_s=0.5).run())
"""

Supervise = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def lives(tmp_path: Path) -> Path:
    return tmp_path / "lives"


@pytest.fixture
def supervise(lives: Path) -> Iterator[Supervise]:
    """A supervisor of a worker that does this; what still runs when the test ends is killed."""
    started: list[subprocess.Popen[str]] = []

    def supervise(worker: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SUPERVISOR.format(stall_s=STALL_S), HEAD + worker, str(lives)]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield supervise
    for process in started:
        process.kill()
        process.communicate()


def pids(lives: Path) -> list[int]:
    return list(map(int, lives.read_text().split())) if lives.exists() else []


def await_ready(lives: Path) -> None:
    """Until the worker has said so."""
    eventually(lives.with_name("lives.ready").exists, "the worker is ready")


def is_gone(pid: int) -> bool:
    """Ended, though perhaps nobody has asked for its exit code yet."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def end_of(supervisor: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = supervisor.communicate(timeout=WAIT_S)
    return supervisor.returncode, said


def test_a_worker_that_has_ended_as_it_should_is_not_started_again(supervise: Supervise, lives: Path) -> None:
    assert end_of(supervise("tick(); time.sleep(0.1)")) == (0, "")
    assert len(pids(lives)) == 1


@pytest.mark.parametrize("code", [BROKEN, REFUSED])
def test_what_a_worker_says_before_it_serves_is_passed_on_and_nothing_added(
    supervise: Supervise, lives: Path, code: int
) -> None:
    assert end_of(supervise(f'sys.stderr.write("no"); sys.exit({code})')) == (code, "no")
    assert len(pids(lives)) == 1


def test_a_worker_that_is_killed_before_it_serves_is_not_started_again(supervise: Supervise, lives: Path) -> None:
    code, said = end_of(supervise("os.kill(os.getpid(), signal.SIGKILL)"))
    assert (code, said) == (128 + signal.SIGKILL, "error: the worker ended before it served: SIGKILL\n")
    assert len(pids(lives)) == 1


@pytest.mark.parametrize("end", [f"sys.exit({BROKEN})", f"sys.exit({REFUSED})", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_worker_that_served_and_broke_is_started_again(supervise: Supervise, lives: Path, end: str) -> None:
    code, _ = end_of(supervise(f"tick()\nif life < 3: {end}"))
    assert (code, len(pids(lives))) == (0, 3)


@pytest.mark.parametrize("hang", ["time.sleep(600)", "ctypes.PyDLL(None).sleep(600)"], ids=["thread", "interpreter"])
def test_a_worker_that_falls_silent_is_killed_and_started_again(supervise: Supervise, lives: Path, hang: str) -> None:
    supervisor = supervise(f"tick()\nif life == 1: {hang}\nserve()")
    eventually(lambda: len(pids(lives)) == 2)
    assert is_gone(pids(lives)[0])
    supervisor.terminate()
    _, said = end_of(supervisor)
    assert "the worker hangs; it is killed" in said
    assert "the worker ended (SIGKILL); starting it again in 0 s" in said


def test_the_time_before_the_first_tick_is_no_silence(supervise: Supervise, lives: Path) -> None:
    assert end_of(supervise(f"time.sleep({3 * STALL_S}); tick(); time.sleep(0.5)")) == (0, "")
    assert len(pids(lives)) == 1


def test_a_supervisor_that_was_stopped_for_a_while_does_not_count_that_as_silence(
    supervise: Supervise, lives: Path
) -> None:
    supervisor = supervise("serve()")
    eventually(lambda: pids(lives))
    (worker,) = pids(lives)
    time.sleep(5 * LOOK_S)  # it has heard a tick
    for pid in (worker, supervisor.pid):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2 * STALL_S)
    for pid in (supervisor.pid, worker):
        os.kill(pid, signal.SIGCONT)
    time.sleep(5 * LOOK_S)
    assert pids(lives) == [worker]
    assert not is_gone(worker)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_is_the_workers(supervise: Supervise, lives: Path, number: signal.Signals) -> None:
    supervisor = supervise(f"signal.signal({int(number)}, lambda *_: sys.exit(0))\nready(); tick(); time.sleep(600)")
    await_ready(lives)
    supervisor.send_signal(number)
    assert end_of(supervisor) == (0, "")


def test_a_worker_that_does_not_listen_is_killed_when_its_grace_period_is_over(
    supervise: Supervise, lives: Path
) -> None:
    supervisor = supervise("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nready(); serve()")
    await_ready(lives)
    supervisor.terminate()
    code, said = end_of(supervisor)
    assert code == 128 + signal.SIGKILL
    assert "the worker hangs; it is killed" in said
    assert is_gone(pids(lives)[0])


def test_a_supervisor_told_to_end_while_it_waits_starts_nothing_more(supervise: Supervise, lives: Path) -> None:
    supervisor = supervise(f"tick(); time.sleep(0.5); sys.exit({BROKEN})")
    assert supervisor.stderr
    assert any("starting it again in 3 s" in line for line in supervisor.stderr)
    supervisor.terminate()
    assert supervisor.wait(WAIT_S) == 0
    assert len(pids(lives)) == 3


def test_a_worker_does_not_outlive_a_supervisor_that_is_killed(supervise: Supervise, lives: Path) -> None:
    supervisor = supervise("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nready(); serve()")
    await_ready(lives)
    supervisor.kill()
    eventually(lambda: is_gone(pids(lives)[0]))
