"""The likeliest values of a label: who may ask for them, and what a job's view tells."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from infra.records import Alternative, Claim, JobState, Outcome
from tests.support.deployment import Deployment

JOB: dict[str, Any] = {"type": "triage", "input": {"text": "My card is stolen."}, "top": 2}
STEP: dict[str, Any] = {"id": "s1", "type": "triage", "args": {"text": "My card is stolen."}}
TOLD = {"intent": (Alternative(value="card_arrival", probability=0.9), Alternative(value="x", probability=0.05))}


def answered(deployment: Deployment, job_id: str) -> int | None:
    """As a worker whose engine tells the alternatives; what it was asked for."""
    deployment.ledger.take_ready(10)
    claim = deployment.ledger.claim(job_id, "worker-1", 5_000)
    assert isinstance(claim, Claim)
    job = claim.job
    outcome = Outcome(
        job_id=job.id, run_id=job.run_id, step_id=job.step_id, index=job.index, state=JobState.SUCCEEDED, attempt=1,
        output={"intent": "card_arrival"}, confidence=0.9, alternatives=TOLD if job.top else None,
    )  # fmt: skip
    assert deployment.ledger.commit(outcome, claim.token)
    return job.top


def test_the_view_of_a_job_tells_what_it_asked_for(deployment: Deployment, api: TestClient) -> None:
    job_id = api.post("/v1/jobs", json=JOB).json()["id"]
    assert answered(deployment, job_id) == 2
    assert api.get(f"/v1/jobs/{job_id}").json()["alternatives"] == {
        "intent": [{"value": "card_arrival", "probability": 0.9}, {"value": "x", "probability": 0.05}]
    }


@pytest.mark.parametrize("body", [{**JOB, "top": None}, {name: JOB[name] for name in ("type", "input")}])
def test_the_view_of_a_job_that_asked_for_none_tells_none(deployment: Deployment, api: TestClient, body: Any) -> None:
    job_id = api.post("/v1/jobs", json=body).json()["id"]
    assert answered(deployment, job_id) is None
    assert api.get(f"/v1/jobs/{job_id}").json()["alternatives"] is None


def test_the_jobs_of_a_step_ask_for_what_the_step_says(deployment: Deployment, api: TestClient) -> None:
    goal = api.post("/v1/goals", json={"plan": {"steps": [{**STEP, "top": 3}]}}).json()
    assert goal["plan"]["steps"][0]["top"] == 3
    assert answered(deployment, f"{goal['id']}.s1.0") == 3


def test_a_job_type_that_reads_no_label_off_is_refused_with_what_to_do(api: TestClient) -> None:
    counted = {"type": "count", "input": {"items": [{"intent": "a"}], "field": "intent"}, "top": 2}
    refused = api.post("/v1/jobs", json=counted)
    assert refused.status_code == 422
    [fault] = refused.json()["errors"]
    assert fault.startswith(
        "top: job type 'count' reads no answer off a model, so it cannot tell how likely other answers are; "
        "leave 'top' out, or ask one of "
    )
    assert "triage" in fault


@pytest.mark.parametrize("top", [0, 21, "many"])
def test_too_few_and_too_many_values_are_refused(api: TestClient, top: Any) -> None:
    refused = api.post("/v1/jobs", json={**JOB, "top": top})
    assert refused.status_code == 422
    assert "top" in refused.text


def test_a_request_sent_again_under_its_key_must_ask_for_as_many(api: TestClient) -> None:
    plain = {name: JOB[name] for name in ("type", "input")}
    first = api.post("/v1/jobs", json=plain, headers={"Idempotency-Key": "k-1"})
    same = api.post("/v1/jobs", json={**plain, "top": None}, headers={"Idempotency-Key": "k-1"})
    other = api.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k-1"})
    assert (first.status_code, same.status_code, other.status_code) == (202, 409, 422)
    assert same.headers["location"] == first.headers["location"]
