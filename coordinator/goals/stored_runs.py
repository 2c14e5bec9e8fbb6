"""Stored runs: reads runs from the ledger, with their results and inputs. Changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from pydantic import ValidationError

from coordinator.goals.refusals import UnknownRun
from coordinator.plans import references
from coordinator.runs.run import Run, UnreadableRun
from coordinator.runs.values import Stored, load_values
from infra.ledger.protocols.runs import RunStore
from infra.ledger.unreadable import kinds_of
from infra.listing import ListedRun, RunQuery
from infra.records import Json, RunRecord

logger = logging.getLogger(__name__)


class StoredRuns:
    def __init__(self, ledger: RunStore) -> None:
        self._ledger = ledger

    def record(self, run_id: str) -> RunRecord:
        """Raises UnknownRun, UnreadableRun."""
        try:
            record = self._ledger.load_run(run_id)
        except ValidationError as error:
            raise UnreadableRun(f"run {run_id}: its record does not read: {kinds_of(error)}") from None
        if record is None:
            raise UnknownRun(run_id)
        return record

    def load(self, run_id: str) -> Run:
        """Raises UnknownRun, UnreadableRun."""
        return Run.load(self.record(run_id))

    def recent(self, limit: int) -> Iterator[Run]:
        """The newest runs first, without those that cannot be read."""
        return (run for _, run in self.page(RunQuery(limit=limit))[0])

    def page(self, query: RunQuery) -> tuple[list[tuple[int, Run]], int | None]:
        """A page of the ledger's list: the places and runs, without those that cannot be read, and what comes next."""
        listed, behind = self._ledger.list_runs(query)
        return list(_readable(listed)), behind

    def stored(self, run_id: str) -> Stored:
        """A function that reads the outputs of a step of the run when it is called."""
        return partial(self._ledger.results, run_id)

    def result(self, run: Run) -> Any:
        """The result of a run that succeeded."""
        names = references.heads(run.plan.result)
        return references.bind(run.plan.result, load_values(run, names, self.stored(run.id)))

    def inputs(self, run: Run) -> Json:
        """The inputs of the run's goal; empty if they are not kept any more."""
        found = load_values(run, [references.INPUTS], self.stored(run.id))
        return found[references.INPUTS] or {}


def _readable(listed: Iterable[ListedRun]) -> Iterator[tuple[int, Run]]:
    for place, record in listed:
        try:
            yield place, Run.load(record)
        except UnreadableRun as error:
            logger.warning("%s", error, extra={"goal_id": record.id})
