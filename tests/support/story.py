"""A run told in a test: what its coordinator decides, and what its ledger would hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from coordinator.plans.answer import Confirm
from coordinator.plans.compiler import compile_plan
from coordinator.plans.plan import PLANNING, Limits, Plan, Step
from coordinator.runs.advance import advance, begin, cancel
from coordinator.runs.confirmation import Confirmation, confirm
from coordinator.runs.decisions.change import Change
from coordinator.runs.rerun import Reopened, reopen
from coordinator.runs.run import Run
from infra.records import Failure, FailureKind, Job, JobState, JobStatus, Outcome
from specialists.catalog import Catalog, load_catalog
from specialists.manifest import Fallback

Json = dict[str, Any]
CATALOG = load_catalog(adapters=False)


def with_fallback(job_type: str = "triage", to: str = "large", below: float = 0.7) -> Catalog:
    """The shipped catalog, where one type has a fallback with the same schemas."""
    own = CATALOG.get(job_type)
    first = replace(own, manifest=own.manifest.model_copy(update={"fallback": Fallback(to=to, below=below)}))
    other = replace(own, manifest=own.manifest.model_copy(update={"name": to}))
    return Catalog([*(each for each in CATALOG if each.name != job_type), first, other])


LIMITS = Limits(max_jobs=50, deadline_s=60, max_replans=2)
INTENT = {"intent": "card_arrival"}


def ref(path: str) -> Json:
    return {"$ref": path}


SORT = {
    "id": "s1",
    "type": "triage",
    "map": {"over": ref("inputs.messages"), "as": "item"},
    "args": {"text": ref("item")},
}
#: As a plan of the planner's has it.
LEAVING_OUT = {"on_failure": "leave_out"}
JOIN = {"id": "s2", "type": "table", "args": {"columns": [ref("inputs.messages"), ref("s1")]}}
COUNT = {"id": "s3", "type": "count", "args": {"items": ref("s2.rows"), "field": "intent"}}


class Story:
    """A run and what its ledger would hold, moved on by outcomes."""

    def __init__(self, run: Run, catalog: Catalog = CATALOG) -> None:
        self.catalog = catalog
        self.known: dict[str, JobStatus] = {}  #: jobs
        self.results: dict[str, dict[int, Json]] = {}
        self.asked: list[str] = []
        self.events: list[str] = []
        self._take(begin(run, catalog))

    def _take(self, change: Change) -> None:
        self.run, self.jobs = change.run, list(change.jobs)
        self.known |= {
            job.id: JobStatus(job=job, state=JobState.READY, attempt=0, worker=None, outcome=None)
            for job in change.jobs
        }
        self.events += [event.name for event in change.events]
        for result in change.results:
            self.results.setdefault(result.step_id, {})[result.index] = result.output

    def reopen(self, step: str | None = None, now_ms: int = 90_000) -> Reopened:
        """Take the run up again, as its ledger would save it."""
        reopened = reopen(self.run, self.stored, self.catalog, now_ms, step)
        self.events += [event.name for event in reopened.events]
        for forgotten in reopened.forget:
            self.results.pop(forgotten, None)
        self._take(reopened.change)
        return reopened

    def cancel(self) -> None:
        self._take(cancel(self.run))

    def confirm(self, **confirmation: Any) -> Reopened:
        """Have an unsure run go on, as its ledger would save it."""
        confirmed = confirm(self.run, Confirmation(**confirmation), self.stored, self.catalog)
        self.events += [event.name for event in confirmed.events]
        self._take(confirmed.change)
        return confirmed

    def stored(self, step_id: str) -> Mapping[int, Json]:
        self.asked.append(step_id)
        return self.results.get(step_id, {})

    def advance(self, *outcomes: Outcome) -> Change:
        for outcome in outcomes:
            if status := self.known.get(outcome.job_id):
                self.known[outcome.job_id] = status.model_copy(update={"state": outcome.state, "outcome": outcome})
        change = advance(self.run, outcomes, self.stored, self.catalog, self.known.get)
        self._take(change)
        return change


def run_of(*steps: Json, inputs: Json | None = None, **rest: Any) -> Run:
    given = {"messages": ["a", "b", "c"], "note": "a text"} if inputs is None else inputs
    return Run.of_plan("r", compile_plan({"steps": list(steps), **rest}, CATALOG, given, LIMITS), given, 1000)


ASKED = {"goal": "sort", "inputs": {}, "job_types": []}


def goal_run(confirm: Confirm = Confirm.IF_UNSURE) -> Run:
    plan = Plan(steps=(Step(id=PLANNING, type="planner"),), result=ref(PLANNING), limits=LIMITS)
    return Run.of_plan("r", plan, {"messages": ["a", "b", "c"]}, 1000, goal="sort", asked=ASKED, confirm=confirm)


def done(job: Job, output: Json, confidence: float | None = None) -> Outcome:
    return Outcome(
        job_id=job.id,
        run_id="r",
        step_id=job.step_id,
        index=job.index,
        state=JobState.SUCCEEDED,
        attempt=1,
        output=output,
        confidence=confidence,
        round=job.round,
    )


def failed(job: Job, kind: FailureKind = FailureKind.ENGINE) -> Outcome:
    failure = Failure(kind=kind, message="it broke")
    return Outcome(
        job_id=job.id,
        run_id="r",
        step_id=job.step_id,
        index=job.index,
        state=JobState.FAILED,
        attempt=1,
        failure=failure,
        round=job.round,
    )


def all_done(jobs: Iterable[Job], output: Json = INTENT) -> list[Outcome]:
    return [done(job, output) for job in jobs]
