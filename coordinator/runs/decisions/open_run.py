"""An open run: a run together with the decisions made about it so far. Stores nothing.

`outcomes` and `releases` read it and change it; `change` returns all their decisions in the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from coordinator.plans import references
from coordinator.plans.plan import BESIDE_THE_PLAN
from coordinator.runs.decisions.change import Change
from coordinator.runs.decisions.events import ended_event
from coordinator.runs.progress import Progress, StepState
from coordinator.runs.run import Run, RunFailure
from coordinator.runs.values import Stored, load_values
from infra.records import Event, Job, RunState, StepResult


class OpenRun:
    def __init__(self, run: Run, stored: Stored = lambda _: {}) -> None:
        """`stored`: gives the results that were saved before."""
        self.run = run
        self.steps: dict[str, Progress] = dict(run.steps)
        self.jobs: list[Job] = []  #: jobs to release
        self.results: list[StepResult] = []
        self.events: list[Event] = []
        self.cancels: list[str] = []  #: ids of jobs to cancel
        self._jobs_before = run.jobs
        self._stored = stored

    @property
    def is_running(self) -> bool:
        return self.run.state is RunState.RUNNING

    @property
    def has_ended(self) -> bool:
        return self.run.state.ended

    @property
    def jobs_made(self) -> int:
        """The number of the run's jobs, without those of fallbacks and of steps beside the plan."""
        own = (job for job in self.jobs if not job.of_fallback and job.step_id not in BESIDE_THE_PLAN)
        return self._jobs_before + sum(1 for _ in own)

    def change(self) -> Change:
        run = self.run.model_copy(update={"steps": self.steps, "jobs": self.jobs_made})
        if run.state.ended:  # no job is released, and the ledger cancels those that run
            return Change(run, (), self.results, self.events)
        return Change(run, self.jobs, self.results, self.events, self.cancels)

    def update(self, **told: Any) -> None:
        """Set fields of the run."""
        self.run = self.run.model_copy(update=told)

    def is_done(self, step_id: str) -> bool:
        return self.steps[step_id].state is StepState.DONE

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """The values of the inputs and of steps that are done, by name."""
        return load_values(self.run.model_copy(update={"steps": self.steps}), names, self._stored, self.results)

    def keep_inputs(self) -> None:
        """Move the inputs from a new run's record to its results, where the ledger keeps them from the first save."""
        if self.run.inputs is None or self.has_ended:
            return
        self.results.append(StepResult(step_id=references.INPUTS, index=0, output=self.run.inputs))
        self.update(inputs=None)

    def fail(self, failure: RunFailure) -> None:
        if failure.step:
            self.steps[failure.step] = self.steps[failure.step].failed()
        self.update(failure=failure)
        self.end(RunState.FAILED)

    def end(self, state: RunState) -> None:
        self.update(state=state)
        self.events.append(ended_event(state, self.run.failure, self.run.reason))

    def tell(self, name: str, **data: Any) -> None:
        self.events.append(Event(name=name, data=data))

    def tell_step_ended(self, step_id: str) -> None:
        progress = self.steps[step_id]
        counts = {name: getattr(progress, name) for name in ("succeeded", "skipped", "defaulted")}
        self.tell("step.ended", step=step_id, **counts, cancelled=progress.left)
