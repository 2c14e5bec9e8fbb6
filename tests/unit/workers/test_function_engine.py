"""The function engine, given functions that misbehave: each must end its own request, and quote nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from specialists.catalog import load_catalog
from workers.engines import Completion, EngineError, Request
from workers.engines.function import Function, FunctionEngine

THREADS = FunctionEngine.threads
WAIT_S = 20
SECRET = "the customer's own words"


@pytest.fixture
def ask() -> Iterator[Callable[..., Completion]]:
    """What a function's engine answers to an input."""
    engines: list[FunctionEngine] = []

    def ask(function: Function, **input: Any) -> Completion:
        engines.append(FunctionEngine({"f": function}))
        return engines[-1].submit(Request("1", "f", json.dumps(input))).result(WAIT_S)

    yield ask
    for engine in engines:
        engine.close()


def raises(error: BaseException) -> Function:
    def function(input: dict[str, Any]) -> dict[str, Any]:
        raise error

    return function


class Unequal(ValueError):
    """Of the same file as the functions here."""


@pytest.mark.parametrize("value", [{1}, float("nan"), b"", object()], ids=["set", "nan", "bytes", "object"])
def test_a_value_that_is_not_json_ends_its_request(ask: Callable[..., Completion], value: object) -> None:
    with pytest.raises(EngineError, match=r"^function 'f' raised (TypeError|ValueError)$") as caught:
        ask(lambda _: {"value": value})
    assert not caught.value.retryable


def test_a_value_that_contains_itself_ends_its_request(ask: Callable[..., Completion]) -> None:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    with pytest.raises(EngineError, match="raised ValueError"):
        ask(lambda _: ring)


def test_a_function_that_would_end_the_process_ends_its_request(ask: Callable[..., Completion]) -> None:
    with pytest.raises(EngineError, match="raised SystemExit"):
        ask(raises(SystemExit(SECRET)))


def test_words_that_may_quote_the_input_are_not_shown(ask: Callable[..., Completion]) -> None:
    with pytest.raises(EngineError, match=r"^function 'f' raised ValueError$"):
        ask(lambda input: {"n": int(input["text"])}, text=SECRET)


def test_the_words_of_the_functions_own_class_of_error_are_shown(ask: Callable[..., Completion]) -> None:
    with pytest.raises(EngineError, match=r"^2 and 3 items$"):
        ask(raises(Unequal("2 and 3 items")))


def test_the_table_says_what_is_unequal(ask: Callable[..., Completion]) -> None:
    table = load_catalog(adapters=False).get("table").function
    with pytest.raises(EngineError, match=r"^the columns have \[1, 2\] items"):
        ask(table, columns=[["a"], ["b", "c"]])


def test_what_has_begun_is_running_and_the_rest_waits() -> None:
    gate, begun = threading.Event(), threading.Semaphore(0)

    def wait(input: dict[str, int]) -> dict[str, int]:
        begun.release()
        gate.wait(WAIT_S)
        return input

    engine = FunctionEngine({"f": wait})
    futures = [engine.submit(Request(f"{n}", "f", "{}")) for n in range(THREADS + 3)]
    assert all(begun.acquire(timeout=WAIT_S) for _ in range(THREADS))
    stats = engine.stats()
    assert (stats.device, stats.running, stats.waiting) == ("cpu", THREADS, 3)
    gate.set()
    for future in futures:
        future.result(WAIT_S)
    assert (engine.stats().running, engine.stats().waiting) == (0, 0)
    engine.close()


def test_an_engine_is_healthy_only_while_a_thread_may_come_free() -> None:
    gates = [threading.Event() for _ in range(THREADS)]
    begun = [threading.Event() for _ in range(THREADS)]

    def wait(input: dict[str, int]) -> dict[str, int]:
        begun[input["n"]].set()
        gates[input["n"]].wait(WAIT_S)
        return input

    engine = FunctionEngine({"f": wait}, stall_s=-2 * 3600)  # as if it were long past the deadline
    deadline = time.monotonic() + 3600
    futures = [engine.submit(Request(f"{n}", "f", f'{{"n": {n}}}', deadline=deadline)) for n in range(THREADS)]
    assert all(each.wait(WAIT_S) for each in begun)
    assert not engine.healthy()
    gates[0].set()
    futures[0].result(WAIT_S)
    assert engine.healthy()
    for gate in gates:
        gate.set()
    engine.close()


def test_a_closed_engine_has_no_thread_left_where_it_waits_for_them() -> None:
    class Waiting(FunctionEngine):
        name = "waiting"
        close_s = WAIT_S

    begun = threading.Event()

    def work(input: dict[str, int]) -> dict[str, int]:
        begun.set()
        time.sleep(0.2)
        return input

    engine = Waiting({"f": work})
    engine.submit(Request("1", "f", "{}"))
    assert begun.wait(WAIT_S)
    engine.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("waiting-")]


def test_a_function_that_never_ends_does_not_keep_the_process() -> None:
    program = """
import threading, time
from workers.engines import Request
from workers.engines.function import FunctionEngine
begun = threading.Event()
def work(input):
    begun.set()
    time.sleep(3600)
engine = FunctionEngine({"f": work})
engine.submit(Request("1", "f", "{}"))
begun.wait()
engine.close()
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=WAIT_S).returncode == 0
