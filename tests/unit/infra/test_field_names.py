"""Fields that were renamed: both names are read, the new one is written, and the two together are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from coordinator.goals.request import JobRequest
from coordinator.plans.plan import Limits
from infra.field_names import current_names, old_names
from infra.records import Job
from specialists import manifest

JOB = {"id": "r.s.0", "type": "triage", "input": {}, "run_id": "r", "step_id": "s"}
LIMITS = {"max_jobs": 5, "deadline_s": 60, "max_replans": 2}
RECORDS = [
    pytest.param(Job, JOB, id="job"),
    pytest.param(Limits, LIMITS, id="limits of a plan"),
    pytest.param(JobRequest, {"type": "triage", "input": {}}, id="job request"),
    pytest.param(manifest.Limits, {}, id="limits of a manifest"),
    pytest.param(manifest.Fallback, {"to": "large", "below": 0.5}, id="fallback of a manifest"),
]


@pytest.mark.parametrize("name", ["claim_within_s", "queue_s"])
@pytest.mark.parametrize(("record", "rest"), RECORDS)
def test_a_record_reads_both_names_and_writes_the_new_one(
    record: type[BaseModel], rest: dict[str, Any], name: str
) -> None:
    read = record.model_validate_json(json.dumps({**rest, name: 4.5}))
    written = json.loads(read.model_dump_json(by_alias=True))
    assert written["claim_within_s"] == 4.5
    assert "queue_s" not in written
    assert record.model_validate(written) == read


@pytest.mark.parametrize(("record", "rest"), RECORDS)
def test_a_record_refuses_both_names_at_once(record: type[BaseModel], rest: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        record.model_validate({**rest, "queue_s": 4.5, "claim_within_s": 9})
    assert [error["loc"] for error in refused.value.errors()] == [("queue_s",)]


def test_a_fault_names_the_field_as_it_was_sent() -> None:
    with pytest.raises(ValidationError) as refused:
        Limits.model_validate({**LIMITS, "queue_s": 0})
    assert [error["loc"] for error in refused.value.errors()] == [("queue_s",)]


def test_old_names_are_told_and_exchanged() -> None:
    assert current_names({"queue_s": 5, "deadline_s": 9}) == {"claim_within_s": 5, "deadline_s": 9}
    assert current_names({"queue_s": 5, "claim_within_s": 6}) == {"queue_s": 5, "claim_within_s": 6}
    assert old_names({"queue_s": 5, "deadline_s": 9}) == ["queue_s"]
    assert old_names({"claim_within_s": 5}) == old_names(["queue_s"]) == old_names(None) == []
