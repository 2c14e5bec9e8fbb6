"""The planner as it ships, through the engine that serves it: its examples, and the demo's goal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from torch import zeros

from coordinator.commands.data_files import read_file
from coordinator.commands.demo import GOAL, INBOX
from coordinator.plans.planner_input import planner_input
from infra.records import Json
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import EXAMPLES, Example, read_examples
from specialists.specialist import load_specialist
from workers.engines import Engine, EngineError
from workers.engines.load import load_engines
from workers.engines.planner import load_planner
from workers.measuring.evaluate import ask

CATALOG = load_catalog()
PLANNER = CATALOG.get("planner")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = load_engines([PLANNER], Settings())["planner"]
    yield engine
    engine.close()


def answer(engine: Engine, input: Json) -> Json:
    (asked,) = ask(PLANNER, [input], engine)
    assert asked.output is not None, asked.refused
    return asked.output


def steps(output: Json) -> Any:
    """Of the plan that would run."""
    return output["plans"][0]["steps"] if output["plans"] else None


@pytest.mark.parametrize("example", read_examples(PLANNER.folder / EXAMPLES), ids=lambda each: each.input["goal"][:20])
def test_an_example_is_answered_as_it_says(engine: Engine, example: Example) -> None:
    found = answer(engine, example.input)
    assert (found["answer"], steps(found)) == (example.output["answer"], steps(example.output))


def test_the_goal_of_the_demo_is_planned_as_it_is_meant(engine: Engine) -> None:
    messages = read_file("messages", str(INBOX))
    found = answer(engine, planner_input(GOAL, {"messages": messages}, CATALOG))
    types = [step["type"] for step in steps(found)]
    assert found["answer"] != "refused"
    assert sorted(types) == ["entities", "table", "triage"]


def test_a_goal_is_planned_the_same_when_the_engine_is_a_new_one(engine: Engine) -> None:
    input = read_examples(PLANNER.folder / EXAMPLES)[1].input
    again = load_engines([PLANNER], Settings())["planner"]
    try:
        assert answer(again, input) == answer(engine, input)
    finally:
        again.close()


def test_an_adapter_of_another_shape_is_told_of_at_load_and_not_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "planner"
    shutil.copytree(PLANNER.folder, folder, ignore=shutil.ignore_patterns("writing", "*.safetensors"))
    save_file({"weights.of_judge": zeros(4)}, folder / "adapter.safetensors")
    with pytest.raises(EngineError, match=r"its adapter cannot be used.*not the tensors of this matcher") as raised:
        load_planner(load_specialist(folder, adapters=False), Settings())
    assert not raised.value.retryable
