"""The models that OpenAI's clients may name: the specialists that host one, and the planner. Knows no route."""

from __future__ import annotations

import time
from collections.abc import Iterator

from coordinator.api.problems import Problem
from infra.records import Json
from specialists.catalog import Catalog
from specialists.offers import PLANNER
from specialists.specialist import Specialist

#: The model that takes a goal in words: the whole system.
MANYHANDS = "manyhands"


class Models:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._since_s = int(time.time())

    def all(self) -> list[Json]:
        return [self._view(name) for name in self._names()]

    def one(self, name: str) -> Json:
        """Raises Problem (404)."""
        if name != MANYHANDS:
            self.specialist(name)
        elif name not in self._names():
            raise self._unknown(name)
        return self._view(name)

    def specialist(self, name: str) -> Specialist:
        """Raises Problem (404)."""
        if name in self._names() and name != MANYHANDS:
            return self._catalog.get(name)
        raise self._unknown(name)

    def _names(self) -> list[str]:
        return [*([MANYHANDS] if PLANNER in self._catalog else []), *self._specialists()]

    def _specialists(self) -> Iterator[str]:
        return (each.name for each in self._catalog if each.manifest.hosts_model and each.name not in _OTHERS)

    def _view(self, name: str) -> Json:
        """`created` is when this process started: a specialist's folder does not say when it was made."""
        return {"id": name, "object": "model", "created": self._since_s, "owned_by": "manyhands"}

    def _unknown(self, name: str) -> Problem:
        fault = f"there is no model {name[:80]!r}; known: {', '.join(self._names())}"
        if name in self._catalog:
            fault += f"; {name!r} hosts no model: send its jobs to POST /v1/jobs"
        return Problem(404, "No such model", [fault], about={"param": "model", "code": "model_not_found"})


#: A specialist of the name would be out of reach; the planner is reached as `manyhands`.
_OTHERS = frozenset({PLANNER, MANYHANDS})
