"""Lists of goals and of jobs, page by page. Knows no HTTP.

Jobs have no list of their own: they are found by their goals, and come in the order in which these were accepted. So a
job costs nothing for being listed, and leaves the list together with its goal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import Generic, NamedTuple, TypeVar

from coordinator.goals.answered_job import Followed
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.jobs import Jobs
from coordinator.goals.refusals import Unknown
from coordinator.goals.stored_runs import StoredRuns
from coordinator.runs.run import Run
from infra.listing import LOOKS, RunQuery, tag_list, tenant_list, type_list
from infra.records import Job, JobState, Record, RunState, state_list
from specialists.catalog import Catalog, UnknownJobType

T = TypeVar("T")
P = TypeVar("P")

#: How far the clocks of Redis and of an API process may differ, and how long a request may take, before a goal is not
#: found by when it was created. Goals are listed by the clock of Redis, and say when they were created by the API's.
SKEW_MS = 60_000
RUNS_A_READ = 100  #: so many runs are read at once for a page of jobs, and that counts as a look at as many jobs
JOBS_A_READ = 250


class UnknownType(Unknown):
    """The job type by which a list is filtered does not exist."""


class Asked(Record):
    """What a list of goals or jobs is filtered by, and its order."""

    type: str | None = None
    tenant: str | None = None
    tags: tuple[str, ...] = ()  #: each of them
    from_ms: int | None = None  #: when the goal was created, at the earliest
    to_ms: int | None = None
    oldest_first: bool = False
    limit: int = 50

    def query(self, state: RunState | None, after: int | None, limit: int) -> RunQuery:
        return RunQuery(
            lists=(
                *([state_list(state)] if state else []),
                *([type_list(self.type)] if self.type else []),
                *([tenant_list(self.tenant)] if self.tenant else []),
                *map(tag_list, self.tags),
            ),
            after=after,
            oldest_first=self.oldest_first,
            since_ms=None if self.from_ms is None else max(0, self.from_ms - SKEW_MS),
            until_ms=None if self.to_ms is None else self.to_ms + SKEW_MS,
            limit=limit,
        )

    def covers(self, run: Run) -> bool:
        """Whether the run was created in the time that is asked for."""
        early = self.from_ms is not None and run.created_ms < self.from_ms
        late = self.to_ms is not None and run.created_ms > self.to_ms
        return not early and not late


class Page(NamedTuple, Generic[T, P]):
    items: list[T]
    next: P | None  #: the place behind which the next page begins; None: there are no more


class JobPlace(NamedTuple):
    run: int  #: the run's place
    step: int  #: the number of the step in the run
    job: int  #: the index of the job in the step


class Candidate(NamedTuple):
    """A job that may be there, by what its run says; with no id, it stands for the end of a run."""

    place: JobPlace
    run: Run | None = None
    id: str | None = None


class Lists:
    def __init__(self, ledger: GoalLedger, catalog: Catalog) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._runs = StoredRuns(ledger)
        self._jobs = Jobs(ledger, catalog, self._runs)

    def goals(self, asked: Asked, state: RunState | None, after: int | None) -> Page[Run, int]:
        """A page of goals. Raises UnknownType."""
        self._check(asked.type)
        found, behind = self._runs.page(asked.query(state, after, asked.limit))
        return Page([run for _, run in found if asked.covers(run)], behind)

    def jobs(self, asked: Asked, state: JobState | None, after: JobPlace | None) -> Page[Followed, JobPlace]:
        """A page of jobs: those of one goal by step and index. Raises UnknownType.

        A page looks at `LOOKS` jobs at most, so that it may come back short, or empty, and have a next one.
        """
        self._check(asked.type)
        found: list[Followed] = []
        walk = self._walk(asked, state, after)
        for place, followed in islice(walk, LOOKS):
            after = place
            if followed:
                found.append(followed)
            if len(found) == asked.limit:
                break
        return Page(found, after if next(walk, None) else None)

    def _walk(
        self, asked: Asked, state: JobState | None, after: JobPlace | None
    ) -> Iterator[tuple[JobPlace, Followed | None]]:
        """Each place that is looked at, with its job if that is one of those that are asked for."""
        at_once = JOBS_A_READ if state else asked.limit + 1
        for candidates in _pieces(self._candidates(asked, state, after), at_once):
            found = self._read(candidates, state)
            for candidate in candidates:
                followed = found.get(candidate.id or "")
                yield candidate.place, followed if followed and _fits(followed, asked, state) else None

    def _candidates(self, asked: Asked, state: JobState | None, after: JobPlace | None) -> Iterator[Candidate]:
        only = None if state is None or state.ended else RunState.RUNNING  # all jobs of other runs have ended
        # The run in which the last page ended is read again, as it may have more jobs.
        behind = None if after is None else after.run + (-1 if asked.oldest_first else 1)
        while True:
            runs, behind = self._runs.page(asked.query(only, behind, RUNS_A_READ))
            for place, run in runs:
                if asked.covers(run):
                    yield from _jobs_of(place, run, asked, after)
            if behind is None:
                return
            yield from repeat(Candidate(_end(behind, asked)), RUNS_A_READ)

    def _read(self, candidates: Sequence[Candidate], state: JobState | None) -> dict[str, Followed]:
        """The jobs of the candidates that may be in the state, by id."""
        runs = {each.id: each.run for each in candidates if each.id and each.run}
        ids = list(runs)
        if state:
            states = zip(ids, self._ledger.job_states(ids), strict=True)
            ids = [job_id for job_id, found in states if _may_show(found, state, runs[job_id])]
        statuses = zip(ids, self._ledger.jobs(ids), strict=True)
        return {job_id: self._jobs.of_run(status, runs[job_id]) for job_id, status in statuses if status}

    def _check(self, job_type: str | None) -> None:
        """Raises UnknownType. A job type that is not in the catalog any more may still have jobs."""
        if job_type is None or job_type in self._catalog:
            return
        if not self._ledger.list_runs(RunQuery(lists=(type_list(job_type),), limit=1)).runs:
            raise UnknownType(UnknownJobType(job_type, self._catalog.names()))


def _jobs_of(place: int, run: Run, asked: Asked, after: JobPlace | None) -> Iterator[Candidate]:
    """The jobs that the run has by its record, in order, of the steps that may be of the type."""
    types = {step.id: step.type for step in run.plan.steps}
    steps = [
        (number, name, progress.total)
        for number, (name, progress) in enumerate(run.steps.items())
        if asked.type in (None, types.get(name, asked.type))
    ]
    for number, name, total in _in_order(steps, asked):
        for index in _in_order(range(total), asked):
            at = JobPlace(place, number, index)
            if after is None or (at > after if asked.oldest_first else at < after):
                yield Candidate(at, run, Job.name(run.id, name, index))


def _in_order(items: Sequence[T], asked: Asked) -> Iterable[T]:
    return items if asked.oldest_first else reversed(items)


def _end(place: int, asked: Asked) -> JobPlace:
    """Behind all jobs of a run."""
    return JobPlace(place, 1_000_000, 0) if asked.oldest_first else JobPlace(place, -1, 0)


def _may_show(found: JobState | None, state: JobState, run: Run) -> bool:
    """Whether a job of this state may be shown in `state`: a job with an output is, while a fallback may be asked."""
    return found is state or (found is JobState.SUCCEEDED and not run.state.ended)


def _fits(followed: Followed, asked: Asked, state: JobState | None) -> bool:
    return asked.type in (None, followed.job.job.type) and state in (None, followed.state)


def _pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
