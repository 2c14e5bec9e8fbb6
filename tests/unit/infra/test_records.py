"""Records and settings that are refused: the reason, and nothing of what was given."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from infra.records import Job, Outcome
from infra.settings import Settings, setting_faults

SECRET = "the customer's own words"


def test_a_record_that_is_refused_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as caught:
        Job.model_validate({"id": "1", "type": "mood", "input": SECRET, "run_id": "r", "step_id": "s"})
    assert "input" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_outcome_of_before_there_were_precisions_and_cuts_still_reads() -> None:
    made = {"worker": "w", "specialist": "mood@1.0.0", "digest": "d", "engine": "transformers"}
    place = {"job_id": "r.s.0", "run_id": "r", "step_id": "s", "index": 0, "state": "succeeded", "attempt": 1}
    usage = {"tokens_in": 9, "tokens_out": 3, "forced": 2, "wait_ms": 1, "run_ms": 2}
    text = json.dumps(place | {"output": {}, "usage": usage, "provenance": made})
    outcome = Outcome.model_validate_json(text)
    assert outcome.provenance
    assert (outcome.provenance.precision, outcome.provenance.engine_version, outcome.provenance.seed) == (None,) * 3
    assert (outcome.usage.reused, outcome.usage.cut) == (0, 0)


def test_each_bad_setting_is_named_as_it_is_set_and_not_quoted() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, slots=0, flower_auth=["user", SECRET])
    faults = setting_faults(caught.value)
    assert [fault.split(": ")[0] for fault in faults] == ["MANYHANDS_FLOWER_AUTH", "MANYHANDS_SLOTS"]
    assert SECRET not in "".join(faults)
