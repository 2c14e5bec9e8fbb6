"""Batches: many jobs of one request. Each is accepted or refused by itself, and has a run of its own. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from coordinator.admission.door import NotAdmitted
from coordinator.goals.goal_ledger import GoalLedger
from coordinator.goals.goals import Goals
from coordinator.goals.idempotency import Asking, KeyUsed, Named
from coordinator.goals.new_runs import only_job
from coordinator.goals.refusals import GoalRefused
from coordinator.goals.request import JobRequest
from coordinator.keys.quotas import OverQuota
from infra.ledger.protocol import LedgerUnavailable
from infra.records import Prior

MOST_JOBS = 1_000
OTHER = "header Idempotency-Key: another request was sent with it at the same time; send a new key"
FORGOTTEN = "header Idempotency-Key: the job that was sent with it has ended, and was forgotten since; send a new key"

Refused = GoalRefused | NotAdmitted | OverQuota | LedgerUnavailable


@dataclass(frozen=True)
class Accepted:
    job_id: str
    earlier: bool = False  #: whether an earlier request with the same key has made it


class Batches:
    def __init__(self, ledger: GoalLedger, goals: Goals) -> None:
        self._ledger = ledger
        self._goals = goals

    def meaning(self, jobs: Sequence[Any]) -> list[Any]:
        """The canonical forms of the jobs; one that does not read stays as it is."""
        return [self._goals.meaning(job) if isinstance(job, JobRequest) else asked for asked, job in _read_all(jobs)]

    def accept(self, jobs: Sequence[Any], asking: Asking) -> list[Accepted | Refused]:
        """Store a run for each sound job, in order. Returns what came of each.

        Each job has a key of its own, which follows from that of the request: where the request is sent again, only
        what was refused is tried again. Raises KeyUsed if the request's key was used for another one, and
        LedgerUnavailable if no job could be stored at all.
        """
        askings = [_asking_of(asking, number) for number in range(len(jobs))]
        priors = self._priors(askings)
        known = self._known(priors)
        done: list[Accepted | Refused] = []
        outage: LedgerUnavailable | None = None
        for (_, job), asked, prior in zip(_read_all(jobs), askings, priors, strict=True):
            if prior:
                job_id = only_job(prior.run_id)
                done.append(Accepted(job_id, earlier=True) if job_id in known else GoalRefused([FORGOTTEN]))
            elif isinstance(job, GoalRefused):
                done.append(job)
            else:
                done.append(outage or self._accept(job, asked))
                last = done[-1]
                outage = last if isinstance(last, LedgerUnavailable) else None
        if outage and not any(isinstance(each, Accepted) for each in done):
            raise outage
        return done

    def _priors(self, askings: Sequence[Asking]) -> list[Prior | None]:
        """What the keys of the jobs were used for. Raises KeyUsed if one was used for another request."""
        named = [asking.named for asking in askings if asking.named]
        if not named:
            return [None] * len(askings)
        priors = self._ledger.find_keys([each.key for each in named])
        for prior, each in zip(priors, named, strict=True):
            if prior and prior.fingerprint != each.fingerprint:
                raise KeyUsed(prior, each)
        return priors

    def _known(self, priors: Sequence[Prior | None]) -> set[str]:
        """Those of the jobs that earlier requests have made which are neither forgotten nor purged."""
        jobs = [only_job(prior.run_id) for prior in priors if prior]
        states = self._ledger.job_states(jobs) if jobs else []
        return {job_id for job_id, state in zip(jobs, states, strict=True) if state}

    def _accept(self, job: JobRequest, asking: Asking) -> Accepted | Refused:
        try:
            return Accepted(only_job(self._goals.accept_job(job, asking, is_new=True).id))
        except KeyUsed as used:  # by a request that was sent at the same time
            return Accepted(only_job(used.run_id), earlier=True) if used.same else GoalRefused([OTHER])
        except (GoalRefused, NotAdmitted, OverQuota, LedgerUnavailable) as refused:
            return refused


def _read_all(jobs: Sequence[Any]) -> Iterator[tuple[Any, JobRequest | GoalRefused]]:
    for asked in jobs:
        try:
            yield asked, JobRequest.model_validate(asked)
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, each['loc'])) or 'job'}: {each['msg']}" for each in error.errors()]
            yield asked, GoalRefused(faults)


def _asking_of(asking: Asking, number: int) -> Asking:
    """The asking of one job. The blank keeps its key apart from those of callers, which have none."""
    if asking.named is None:
        return asking
    named = Named(key=f"{asking.named.key} {number}", fingerprint=asking.named.fingerprint)
    return asking.model_copy(update={"named": named})
