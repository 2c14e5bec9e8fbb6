"""The ticker: heard while all is well, and for as long after that as what runs may need to end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from workers.upkeep.ticker import Ticker

WAIT_S = 20
STALL_S = 0.4  #: a tick each twentieth of a second
SPARE_S = 0.3


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def hears(ear: int, within_s: float = WAIT_S) -> bool:
    """Whether a tick comes; those that came before are none."""
    while select.select([ear], [], [], 0)[0]:
        os.read(ear, 1_000)
    return bool(select.select([ear], [], [], within_s)[0])


def test_it_ticks_while_all_that_it_watches_is_well(pipe: tuple[int, int]) -> None:
    ear, mouth = pipe
    with Ticker(mouth, STALL_S, SPARE_S) as ticker:
        ticker.watch(lambda: True)
        assert all(hears(ear) for _ in range(20))


def test_it_falls_silent_some_time_after_something_is_not_well_any_more(pipe: tuple[int, int]) -> None:
    ear, mouth = pipe
    ill: list[bool] = []
    with Ticker(mouth, STALL_S, SPARE_S) as ticker:
        ticker.watch(lambda: True)
        ticker.watch(lambda: not ill)
        assert hears(ear)
        ill.append(True)
        assert hears(ear)  # what runs may end
        while hears(ear, within_s=1.0):
            pass
        ill.clear()
        assert hears(ear)


def test_a_pipe_that_nobody_reads_for_a_while_stops_nothing(pipe: tuple[int, int]) -> None:
    ear, mouth = pipe
    os.set_blocking(mouth, False)
    while select.select([], [mouth], [], 0)[1]:
        os.write(mouth, b"." * 4_096)
    with Ticker(mouth, STALL_S, SPARE_S):
        assert hears(ear)


def test_without_a_pipe_it_is_silent() -> None:
    with Ticker(None, STALL_S, SPARE_S) as ticker:
        ticker.watch(lambda: True)


def test_a_worker_whose_supervisor_is_gone_is_told_to_end() -> None:
    program = """
import os, time
from workers.upkeep.ticker import Ticker
ear, mouth = os.pipe()
os.close(ear)
with Ticker(mouth, 0.1, 1.0):
    time.sleep(600)
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=WAIT_S).returncode == -signal.SIGTERM
