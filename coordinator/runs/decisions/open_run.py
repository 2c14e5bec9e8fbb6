"""An open run: a run while it is decided what it does next, with all that comes of that. Stores nothing.

What decides (`outcomes`, `releases`) reads and changes it; `change` says what came of it in the end.
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
        """`stored`: the results of steps that were saved before."""
        self.run = run
        self.steps: dict[str, Progress] = dict(run.steps)
        self.jobs: list[Job] = []  #: to be released
        self.results: list[StepResult] = []
        self.events: list[Event] = []
        self.cancels: list[str] = []  #: ids of jobs
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
        """Of the plan's own, and the planner's: a fallback's and the planner's asks take none of the steps to come."""
        own = (job for job in self.jobs if not job.of_fallback and job.step_id not in BESIDE_THE_PLAN)
        return self._jobs_before + sum(1 for _ in own)

    def change(self) -> Change:
        run = self.run.model_copy(update={"steps": self.steps, "jobs": self.jobs_made})
        if run.state.ended:  # its jobs need not run: the ledger cancels those that do
            return Change(run, (), self.results, self.events)
        return Change(run, self.jobs, self.results, self.events, self.cancels)

    def update(self, **told: Any) -> None:
        """Fields of the run."""
        self.run = self.run.model_copy(update=told)

    def is_done(self, step_id: str) -> bool:
        return self.steps[step_id].state is StepState.DONE

    def values(self, names: Iterable[str]) -> dict[str, Any]:
        """Of inputs and of steps that are done, by name."""
        return load_values(self.run.model_copy(update={"steps": self.steps}), names, self._stored, self.results)

    def keep_inputs(self) -> None:
        """A new run's record holds its inputs; from the first save on the ledger does, as the results of a step."""
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
