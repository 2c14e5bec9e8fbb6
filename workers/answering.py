"""Answering: one specialist's jobs done in this process, by the engine that would serve it. Knows no queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from infra.settings import Settings
from specialists.schemas import Json
from specialists.specialist import Specialist
from workers.attempt import confidence_of
from workers.engines import Engine
from workers.engines.load import load_engines
from workers.measuring.evaluate import ask

Answer = tuple[Json | None, float | None]  #: the output, or None if there is none, and how sure it is


def load_answer(specialist: Specialist, settings: Settings) -> Callable[[Json], Answer]:
    """Load the specialist's model, and return a function that answers one input. Raises what `load_engines` raises."""
    engine = load_engines([specialist], settings)[specialist.name]
    return lambda input: answers(specialist, [input], engine)[0]


def answers(specialist: Specialist, inputs: Sequence[Json], engine: Engine) -> list[Answer]:
    """Answer all inputs at once. The answers are in the order of the inputs."""
    asked = ask(specialist, inputs, engine)
    return [(each.output, confidence_of(specialist, each.probability)) for each in asked]
