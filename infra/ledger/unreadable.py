"""Records that cannot be read, because another version of the product may have written them: what stands for them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from infra.records import Failure, FailureKind, JobState, Outcome, RunRecord

log = logging.getLogger(__name__)

#: A job that a worker could not read is offered again after this time: a newer worker may be there by then.
UNREAD_RETRY_MS = 5_000

#: The fields that say whose an outcome is.
PLACE = ("job_id", "run_id", "step_id", "index", "attempt", "round")


def read_outcome(text: str) -> Outcome | None:
    """The outcome, or a failure in its place. If not even its job can be read, it is None and the log says so."""
    try:
        return Outcome.model_validate_json(text)
    except ValidationError as error:
        return _in_its_place(text, kinds_of(error))


def readable_runs(texts: Iterable[str]) -> Iterator[RunRecord]:
    """The runs that can be read. The log names each one that cannot."""
    for text in texts:
        try:
            yield RunRecord.model_validate_json(text)
        except ValidationError as error:
            log.error(
                "the record of a run does not read (%s); it is left out", kinds_of(error), extra={"action": "read"}
            )


def unread_job(worker: str, place: Mapping[str, Any]) -> Outcome:
    """The end of an attempt by a worker that cannot read its job. `place`: the fields that `PLACE` names."""
    log.error("a job does not read here; a newer worker may do it", extra={"action": "read", "job_id": place["job_id"]})
    message = f"worker {worker!r} cannot read it: another version of the product wrote it"
    failure = Failure(kind=FailureKind.INVALID_INPUT, message=message, retryable=True)
    return Outcome.model_validate({**place, "state": JobState.FAILED, "failure": failure})


def kinds_of(error: ValidationError) -> str:
    """What is wrong, by kind alone, because the places of faults in a record may be words of a job."""
    return ", ".join(sorted({each["type"] for each in error.errors(include_url=False, include_input=False)}))


def _in_its_place(text: str, why: str) -> Outcome | None:
    message = f"its outcome does not read ({why}); was it written by another version of the product?"
    failure = Failure(kind=FailureKind.ENGINE, message=message)
    try:
        said = json.loads(text)
        place = {name: said[name] for name in PLACE if name in said}
        outcome = Outcome.model_validate({**place, "state": JobState.FAILED, "failure": failure})
    except (ValueError, TypeError, RecursionError):
        log.critical(
            "an outcome is dropped: it does not read (%s), nor does whose it is", why, extra={"action": "drop"}
        )
        return None
    log.error("an outcome counts as a failure: it does not read (%s)", why, extra=_fields(outcome))
    return outcome


def _fields(outcome: Outcome) -> dict[str, str]:
    return {"action": "read", "goal_id": outcome.run_id, "job_id": outcome.job_id}
