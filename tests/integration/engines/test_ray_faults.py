"""The ray engine with actors of the test's own making, in no cluster: what it does where Ray or an actor goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from infra.ledger.memory.ledger import MemoryLedger
from specialists.manifest import RayHosting
from specialists.specialist import load_specialist
from tests.support.eventually import eventually
from tests.support.jobs import release
from workers.engines import Completion, EngineError, EngineStats, Finish, Request
from workers.engines.ray import engine as ray_engine
from workers.engines.ray import fleet as ray_fleet
from workers.engines.ray.actor import Fault, Health
from workers.engines.ray.engine import RayEngine
from workers.engines.ray.scaling import Rules
from workers.worker import Worker

WAIT_S = 20
WELL = Health(True, EngineStats("cpu", steps=10))

MOOD = """
engine = "ray"
[decoding]
format = "lines"
max_tokens = 8
[limits]
attempts = 2
timeout_s = 0.5
[ray]
engine = "scripted"
max_replicas = 4
"""


class Died(Exception):
    pass


class Call:
    """As a method of an actor: `call.remote(…)` gives a reference, whose `future()` gives what it returns."""

    def __init__(self, run: Callable[..., Future[Any]]) -> None:
        self._run = run

    def remote(self, *given: object) -> Reference:
        return Reference(self._run(*given))


class Reference:
    def __init__(self, found: Future[Any]) -> None:
        self._found = found

    def future(self) -> Future[Any]:
        return self._found


def at_once(value: Any) -> Future[Any]:
    found: Future[Any] = Future()
    if isinstance(value, Exception):
        found.set_exception(value)
    else:
        found.set_result(value)
    return found


def after(seconds: float, value: Any) -> Future[Any]:
    found: Future[Any] = Future()
    timer = threading.Timer(seconds, found.set_result, [value])
    timer.daemon = True
    timer.start()
    return found


def never() -> Future[Any]:
    return Future()


def echo(request: Request, left_s: float | None) -> Future[Any]:
    return at_once(Completion(request.prompt, Finish.STOP))


class Actor:
    def __init__(
        self,
        complete: Callable[[Request, float | None], Future[Any]] = echo,
        open: Callable[[], Future[Any]] = lambda: at_once(WELL),
        placed: bool = True,
    ) -> None:
        self.complete, self.open = Call(complete), Call(open)
        self.arrive = Call(lambda: at_once(None) if placed else never())
        self.look = Call(lambda: at_once(WELL))
        self.cancel = Call(lambda _: at_once(None))


NO_ROOM = Actor(open=never, placed=False)

Hire = Callable[..., RayEngine]


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The actors that Ray was asked to kill."""
    found: list[object] = []
    monkeypatch.setattr("ray.kill", found.append)
    return found


@pytest.fixture
def hire(monkeypatch: pytest.MonkeyPatch, killed: list[object]) -> Iterator[Hire]:
    """An engine whose next actor is always `start(n)`, n from 1."""
    made: list[RayEngine] = []
    monkeypatch.setattr(ray_engine, "join", lambda *_: None)
    monkeypatch.setattr(ray_engine, "leave", lambda: None)

    def hire(start: Callable[[int], Actor], least: int = 1, most: int = 1, slots: int = 4, **rules: float) -> RayEngine:
        numbers = iter(range(1, 10_000))
        monkeypatch.setattr(ray_engine, "_actor", lambda *_: start(next(numbers)))
        limits = Rules(least, most, slots, **rules)
        made.append(RayEngine(lambda: pytest.fail("no actor runs here"), limits, RayHosting()))
        return made[-1]

    yield hire
    for engine in made:
        engine.close()


def submit(engine: RayEngine, id: str, deadline_s: float | None = None, **more: Any) -> Future[Completion]:
    deadline = None if deadline_s is None else time.monotonic() + deadline_s
    return engine.submit(Request(id, "echo", id, deadline=deadline, **more))


def test_the_time_out_of_a_request_counts_from_when_a_replica_takes_it(hire: Hire) -> None:
    left: list[float | None] = []

    def slow(request: Request, left_s: float | None) -> Future[Any]:
        left.append(left_s)
        return after(0.3, Completion(request.prompt, Finish.STOP))

    engine = hire(lambda _: Actor(slow), slots=1)
    futures = [submit(engine, f"r{n}", timeout_s=0.5) for n in range(4)]

    assert [future.result(WAIT_S).finish for future in futures] == [Finish.STOP] * 4
    assert all(each and each == pytest.approx(0.5) for each in left)


def test_a_deadline_counts_while_a_request_waits(hire: Hire) -> None:
    engine = hire(lambda _: Actor(lambda *_: never()), slots=1)
    held = submit(engine, "held")
    late = submit(engine, "late", deadline_s=0.2, timeout_s=WAIT_S)

    assert late.result(WAIT_S).finish is Finish.DEADLINE
    assert not held.done()


def test_jobs_claimed_for_replicas_that_find_no_room_end_in_their_first_attempt(
    hire: Hire, write_specialist: Callable[..., Path]
) -> None:
    slow = Actor(lambda *_: after(0.3, Completion("x", Finish.STOP)))
    engine = hire(lambda n: slow if n == 1 else NO_ROOM, most=4, slots=2)
    text = {"text": {"type": "string", "maxLength": 100}}
    mood = load_specialist(write_specialist("mood", MOOD, text, {"mood": text["text"]}, {"prompt.txt": "{{text}}"}))
    ledger = MemoryLedger()
    jobs = release(ledger, "mood", [{"text": "a"}] * engine.slots, attempts=2, timeout_s=0.5)
    ledger.take_ready(len(jobs))
    worker = Worker(ledger, [mood], {"mood": engine}, "mood-1@here", lease_s=WAIT_S, slots=engine.slots)

    threads = [threading.Thread(target=worker.do, args=[job_id]) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)

    found = [ledger.job(job_id) for job_id in jobs]
    assert [(each.state, each.attempt) for each in found if each] == [("succeeded", 1)] * len(jobs)


def test_a_request_that_a_replica_never_answers_ends_late_and_blocks_no_other(
    hire: Hire, monkeypatch: pytest.MonkeyPatch, killed: list[object]
) -> None:
    monkeypatch.setattr(ray_fleet, "OVERDUE_S", 0.3)
    hung = Actor(lambda request, left_s: never() if request.id == "bad" else echo(request, left_s))
    actors = [Actor(lambda *_: at_once(Died())), hung, Actor()]
    engine = hire(lambda n: actors[min(n, 3) - 1])
    bad = submit(engine, "bad", timeout_s=0.2)
    eventually(lambda: engine.stats().restarts == 1)
    others = [submit(engine, f"g{n}") for n in range(3)]

    assert bad.result(WAIT_S).finish is Finish.DEADLINE
    assert [future.result(WAIT_S).text for future in others] == ["g0", "g1", "g2"]
    assert hung in killed


def test_a_draining_replica_that_never_answers_is_stopped(
    hire: Hire, monkeypatch: pytest.MonkeyPatch, killed: list[object]
) -> None:
    monkeypatch.setattr(ray_fleet, "OVERDUE_S", 0.3)
    engine = hire(lambda _: Actor(lambda *_: never()), most=2, slots=1, quiet_s=0.1)
    engine.expect(8, 0.0)
    eventually(lambda: engine.stats().replicas == 2)
    engine.expect(0, 0.0)
    held = [submit(engine, id, timeout_s=0.5) for id in ("a", "b")]

    assert [future.result(WAIT_S).finish for future in held] == [Finish.DEADLINE] * 2
    eventually(lambda: len(killed) == 2)


def test_a_replica_that_has_its_place_and_does_not_open_is_given_up(
    hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_fleet, "START_S", 0.3)
    engine = hire(lambda n: Actor(open=never) if n == 1 else Actor())

    with pytest.raises(EngineError, match="it took longer than"):
        engine.await_ready(WAIT_S)


def test_where_no_node_has_room_the_start_says_so(hire: Hire) -> None:
    with pytest.raises(EngineError, match="none of the Ray cluster's nodes had room for it within 0 s"):
        hire(lambda _: NO_ROOM).await_ready(0.2)


def test_a_replica_that_waits_for_room_is_waited_for(hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_fleet, "START_S", 0.1)
    engine = hire(lambda n: Actor() if n == 1 else NO_ROOM, least=2, most=2)
    engine.await_ready(WAIT_S)

    assert submit(engine, "late", deadline_s=0.5, timeout_s=0.5).result(WAIT_S).text == "late"
    time.sleep(0.5)
    assert engine.stats().restarts == 0


def test_the_waits_between_starts_grow_though_another_replica_is_well(
    hire: Hire, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[float] = []

    def start(n: int) -> Actor:
        started.append(time.monotonic())
        return Actor() if n == 1 else Actor(open=lambda: after(0.1, Fault("node b: too little memory", False)))

    engine = hire(start, least=2, most=2)
    eventually(lambda: len(started) == 4)

    assert started[3] - started[2] > 1.0  # two at the start, one at once after the first loss, then after a second
    assert engine.healthy()


def test_a_fault_of_the_ferry_is_said_at_once(hire: Hire) -> None:
    def start(n: int) -> Actor:
        raise ValueError("Resource quantities >1 must be whole numbers")

    engine = hire(start)

    with pytest.raises(EngineError, match="no replica became ready: ValueError") as caught:
        engine.await_ready(WAIT_S)
    assert not caught.value.retryable


def test_a_broken_ferry_fails_every_request_and_leaves_the_cluster(hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    left = threading.Event()
    breaks = threading.Event()

    def complete(request: Request, left_s: float | None) -> Future[Any]:
        breaks.wait(WAIT_S)
        raise ValueError

    def kill(actor: object) -> None:
        raise OSError

    engine = hire(lambda _: Actor(complete), slots=1)
    monkeypatch.setattr(ray_engine, "leave", left.set)
    monkeypatch.setattr("ray.kill", kill)
    engine.await_ready(WAIT_S)
    futures = [submit(engine, f"r{n}") for n in range(3)]
    engine._do(lambda: pytest.fail("no step runs once the ferry is broken"))
    futures.append(submit(engine, "last"))
    breaks.set()

    for future in futures:
        with pytest.raises(EngineError, match="closed"):
            future.result(WAIT_S)
    assert left.wait(WAIT_S)
    assert not engine.healthy()


def test_close_does_not_wait_for_a_ray_that_does_not_answer(hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    engine = hire(lambda _: Actor())
    engine.await_ready(WAIT_S)
    monkeypatch.setattr(ray_engine, "CLOSE_S", 0.2)
    monkeypatch.setattr("ray.kill", lambda _: answers.wait(WAIT_S))

    began = time.monotonic()
    engine.close()

    assert time.monotonic() - began < WAIT_S / 2
    ended: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr("os._exit", ended.append)
        engine._end_without_ray()  # as the process ends
    assert ended == [1]
    answers.set()


def test_figures_never_fall_while_a_replica_goes(hire: Hire, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = hire(lambda _: Actor())
    engine.await_ready(WAIT_S)
    seen: list[int] = []
    monkeypatch.setattr("workers.engines.ray.replicas._sum", _looking(engine, seen))

    engine._do(lambda: engine._fleet.lose(next(iter(engine._replicas)), "for the test"))
    eventually(lambda: engine.stats().restarts == 1 and engine.stats().replicas == 1)

    assert seen
    assert min(seen) >= 10


def test_a_replica_that_is_not_missed_counts_as_no_restart_later(hire: Hire) -> None:
    engine = hire(lambda _: Actor(), most=3, slots=1)
    engine.expect(6, 0.0)
    eventually(lambda: engine.stats().replicas == 3)
    engine.expect(0, 0.0)

    engine._do(lambda: engine._fleet.lose(next(iter(engine._replicas)), "for the test"))
    eventually(lambda: engine.stats().replicas == 2)
    eventually(lambda: not engine._fleet._missing)  # two are enough
    engine.expect(6, 0.0)
    eventually(lambda: engine.stats().replicas == 3)

    assert engine.stats().restarts == 0


def _looking(engine: RayEngine, seen: list[int]) -> Callable[..., EngineStats]:
    """As `_sum`, but whoever sums while a replica goes also reads what a scrape would read then."""
    from workers.engines.ray.replicas import _sum

    inside = threading.local()

    def look(one: EngineStats, other: EngineStats | None) -> EngineStats:
        if not getattr(inside, "on", False):
            inside.on = True
            seen.append(engine.stats().steps)
            inside.on = False
        return _sum(one, other)

    return look
