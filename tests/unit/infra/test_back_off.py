"""The wait before another start: longer each time, and never too long."""

from __future__ import annotations

from infra.process.back_off import back_off_s


def test_the_wait_grows_to_its_longest_and_stays_there() -> None:
    assert [back_off_s(restarts) for restarts in range(7)] == [0, 1, 3, 7, 15, 30, 30]
    assert [back_off_s(restarts) for restarts in (1_023, 1_024, 10**9)] == [30, 30, 30]
