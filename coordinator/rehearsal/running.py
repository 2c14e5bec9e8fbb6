"""Runs a plan in this process, as the coordinator would decide. Knows no ledger and no queue.

Functions run for real, and stand-ins answer for models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.plans import references
from coordinator.plans.plan import Plan
from coordinator.rehearsal.draw import NoStandIn
from coordinator.rehearsal.stand_in import stand_in
from coordinator.runs.advance import advance, begin
from coordinator.runs.run import Run, RunFailure
from coordinator.runs.values import load_values
from infra.records import Failure, FailureKind, Job, JobState, Json, Outcome, RunState
from specialists.catalog import Catalog
from specialists.specialist import AnswerError, Specialist

RUN = "rehearsal"

#: Job type -> the outputs that its stand-in chooses from.
Answers = Mapping[str, Sequence[Json]]


@dataclass(frozen=True)
class Ended:
    """The end of a run: its result, or its failure."""

    result: Any
    failure: RunFailure | None


class _JobFailed(Exception):
    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind=kind, message=message)


def run_plan(plan: Plan, inputs: Json, catalog: Catalog, answers: Answers) -> Ended:
    """Run a plan. Every job is tried once, because a job that fails here would fail the same way the next time."""
    stored: dict[str, dict[int, Json]] = {}

    def outputs(step_id: str) -> Mapping[int, Json]:
        return stored.get(step_id, {})

    change = begin(Run.of_plan(RUN, plan, inputs, now_ms=0), catalog)
    while True:
        for result in change.results:
            stored.setdefault(result.step_id, {})[result.index] = result.output
        run = change.run
        if run.state.ended:
            break
        assert change.jobs, "a run that has not ended waits for jobs"
        change = advance(run, [_outcome(job, catalog, answers) for job in change.jobs], outputs, catalog)
    if run.state is not RunState.SUCCEEDED:
        return Ended(None, run.failure)
    return Ended(references.bind(plan.result, load_values(run, references.heads(plan.result), outputs)), None)


def _outcome(job: Job, catalog: Catalog, answers: Answers) -> Outcome:
    """The job's outcome as a worker would commit it."""
    output, failure = None, None
    try:
        output = _output(catalog.get(job.type), job.input, answers.get(job.type, ()))
    except _JobFailed as failed:
        failure = failed.failure
    return Outcome(
        job_id=job.id,
        run_id=job.run_id,
        step_id=job.step_id,
        index=job.index,
        state=JobState.FAILED if failure else JobState.SUCCEEDED,
        attempt=1,
        output=output,
        failure=failure,
        round=job.round,
    )


def _output(specialist: Specialist, input: Json, answers: Sequence[Json]) -> Json:
    """Raises _JobFailed."""
    if faults := specialist.input_faults(input):
        raise _JobFailed(FailureKind.INVALID_INPUT, "; ".join(faults))
    if specialist.manifest.inner_engine == "function":
        return _computed(specialist, input)
    try:
        return stand_in(specialist, input, answers)
    except NoStandIn as error:
        raise _JobFailed(FailureKind.INVALID_OUTPUT, f"{error}; give 'answers' of {specialist.name!r}") from None


def _computed(specialist: Specialist, input: Json) -> Json:
    """The output of the specialist's function, checked. The function gets a copy of the input. Raises _JobFailed."""
    try:
        answer = json.dumps(specialist.function(json.loads(json.dumps(input))), ensure_ascii=False, allow_nan=False)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - anybody's code runs here; it must fail its own job only
        raise _JobFailed(FailureKind.ENGINE, _reason(specialist, error)) from None
    try:
        return specialist.parse(answer, input)
    except AnswerError as error:
        raise _JobFailed(FailureKind.INVALID_OUTPUT, str(error)) from None


def _reason(specialist: Specialist, error: BaseException) -> str:
    """The error's own message only if the function's file defines the error; the function engine does the same."""
    if isinstance(error, ValueError) and type(error).__module__ == f"specialist_{specialist.name}":
        return str(error)
    return f"function {specialist.name!r} raised {type(error).__name__}"
