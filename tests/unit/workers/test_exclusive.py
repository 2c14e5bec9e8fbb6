"""The room in a worker: who wants to be alone waits for the others, and nobody else comes in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from workers.exclusive import Room

WAIT_S = 20


class Visitor:
    """A thread that comes in, is alone if it wants to, and leaves when it is let go."""

    def __init__(self, room: Room, alone: bool = False) -> None:
        self.there = threading.Event()
        self.settled = threading.Event()
        self.given_up = threading.Event()
        self.is_alone: bool | None = None
        self._leave = threading.Event()
        self.room, self._alone = room, alone
        self._thread = threading.Thread(target=self._visit)
        self._thread.start()

    def _visit(self) -> None:
        with self.room.shared():
            self.there.set()
            if self._alone:
                with self.room.alone(self.given_up.is_set) as self.is_alone:
                    self._stay()
            else:
                self._stay()

    def _stay(self) -> None:
        self.settled.set()
        assert self._leave.wait(WAIT_S)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()


@pytest.fixture
def visit() -> Iterator[Callable[..., Visitor]]:
    room, visitors = Room(), []

    def visit(alone: bool = False) -> Visitor:
        visitors.append(Visitor(room, alone))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.leave()


def waits(event: threading.Event) -> bool:
    """Whether it has not come, nor comes in a moment. Right on a slow machine too: only a fault makes it come."""
    return not event.wait(0.3)


def test_many_are_side_by_side(visit: Callable[..., Visitor]) -> None:
    assert all(visit().settled.wait(WAIT_S) for _ in range(5))


def test_one_is_alone_when_the_others_are_out(visit: Callable[..., Visitor]) -> None:
    others = [visit() for _ in range(2)]
    assert all(other.settled.wait(WAIT_S) for other in others)
    loner = visit(alone=True)
    assert loner.there.wait(WAIT_S)
    assert waits(loner.settled)
    others[0].leave()
    assert waits(loner.settled)
    others[1].leave()
    assert loner.settled.wait(WAIT_S)


def test_nobody_comes_in_while_one_is_alone_or_waits_to_be(visit: Callable[..., Visitor]) -> None:
    other = visit()
    assert other.settled.wait(WAIT_S)
    loner = visit(alone=True)
    assert loner.there.wait(WAIT_S)
    late = visit()
    assert waits(late.there)
    other.leave()
    assert loner.settled.wait(WAIT_S)
    assert waits(late.there)
    loner.leave()
    assert late.settled.wait(WAIT_S)


def test_the_second_who_wants_to_be_alone_is_told_to_leave_and_the_first_waits_for_that(
    visit: Callable[..., Visitor],
) -> None:
    other = visit()
    late = visit()
    assert other.settled.wait(WAIT_S)
    assert late.settled.wait(WAIT_S)
    loner = visit(alone=True)
    assert loner.there.wait(WAIT_S)
    assert waits(loner.settled)
    with late.room.alone(lambda: False) as is_alone:
        assert not is_alone
    other.leave()
    assert waits(loner.settled)
    late.leave()
    assert loner.settled.wait(WAIT_S)
    assert loner.is_alone


def test_who_gives_up_waiting_stands_in_nobodys_way(visit: Callable[..., Visitor]) -> None:
    other = visit()
    assert other.settled.wait(WAIT_S)
    loner = visit(alone=True)
    assert loner.there.wait(WAIT_S)
    loner.given_up.set()
    assert loner.settled.wait(WAIT_S)
    loner.leave()
    assert visit().settled.wait(WAIT_S)
