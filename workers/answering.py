"""Answering: jobs done in this process, each by the engine that would serve it. Knows no queue and no run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from infra.settings import Settings
from specialists.schemas import Json
from specialists.specialist import Specialist
from workers.attempt import confidence_of
from workers.engines import Engine
from workers.engines.load import load_engines
from workers.evaluate import ask


class Answering:
    """Loads its models when the first job comes: all of them, as those of one base share it."""

    def __init__(self, specialists: Sequence[Specialist], settings: Settings) -> None:
        self._specialists = {each.name: each for each in specialists}
        self._settings = settings

    @cached_property
    def _engines(self) -> dict[str, Engine]:
        return load_engines(self._specialists.values(), self._settings)

    def answer(self, job_type: str, input: Json) -> tuple[Json | None, float | None]:
        """The output, None where there is none, and how sure it is. Raises what loading the models raises, KeyError."""
        (answer,) = self.answers(job_type, [input])
        return answer

    def answers(self, job_type: str, inputs: Sequence[Json]) -> list[tuple[Json | None, float | None]]:
        """Likewise, of all inputs at once."""
        specialist = self._specialists[job_type]
        found = list(ask(specialist, inputs, self._engines[job_type]))
        return [(each.output, confidence_of(specialist, each.probability)) for each in found]


def load_answers(specialists: Sequence[Specialist], settings: Settings) -> Answering:
    return Answering(specialists, settings)
