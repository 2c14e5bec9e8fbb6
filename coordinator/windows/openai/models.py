"""The models that OpenAI's clients may name: the specialists that host one. Knows no route."""

from __future__ import annotations

import time

from coordinator.api.answers.problems import Problem
from infra.records import Json
from specialists.catalog import Catalog
from specialists.offers import PLANNER
from specialists.specialist import Specialist


class Models:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._since_s = int(time.time())

    def all(self) -> list[Json]:
        return [self._view(name) for name in self._names()]

    def one(self, name: str) -> Json:
        """Raises Problem (404)."""
        return self._view(self.specialist(name).name)

    def specialist(self, name: str) -> Specialist:
        """Raises Problem (404)."""
        if name in self._names():
            return self._catalog.get(name)
        raise self._unknown(name)

    def _names(self) -> list[str]:
        return [each.name for each in self._catalog if each.manifest.hosts_model and each.name != PLANNER]

    def _view(self, name: str) -> Json:
        """`created` is when this process started: a specialist's folder does not say when it was made."""
        return {"id": name, "object": "model", "created": self._since_s, "owned_by": "manyhands"}

    def _unknown(self, name: str) -> Problem:
        fault = f"there is no model {name[:80]!r}; known: {', '.join(self._names())}"
        if name == PLANNER:
            fault += "; send a goal in words to POST /v1/goals"
        elif name in self._catalog:
            fault += f"; {name!r} hosts no model: send its jobs to POST /v1/jobs"
        return Problem(404, "No such model", [fault], about={"param": "model", "code": "model_not_found"})
