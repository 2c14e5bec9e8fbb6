"""Many jobs in one request: each accepted or refused by itself, in order, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from infra.ledger.memory.ledger import MemoryLedger
from infra.ledger.protocol import LedgerUnavailable
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Json
from tests.support.deployment import Deployment

BATCH = "/v1/jobs/batch"
COUNT = {"type": "count", "input": {"items": [{"intent": "a"}], "field": "intent"}}
KEY = {"Idempotency-Key": "monday"}


def sent(api: TestClient, jobs: list[Any], **headers: str) -> Json:
    answer = api.post(BATCH, json={"jobs": jobs}, headers=headers)
    assert answer.status_code == 200, answer.text
    batch: Json = answer.json()
    assert len(batch["items"]) == len(jobs)
    return batch


def statuses(batch: Json) -> list[int]:
    return [item["status"] for item in batch["items"]]


def test_each_job_has_an_id_or_an_error_in_the_order_of_the_request(deployment: Deployment, api: TestClient) -> None:
    jobs = [COUNT | {"tags": ["a"]}, {"type": "sumarize", "input": {}}, COUNT | {"input": {}}, "x", COUNT | {"mood": 1}]
    batch = sent(api, [*jobs, COUNT | {"priority": "high"}], **{"X-Tenant": "acme"})

    assert (batch["accepted"], batch["refused"]) == (2, 4)
    assert statuses(batch) == [202, 422, 422, 422, 422, 202]
    errors = [item["error"]["errors"][0] for item in batch["items"][1:5]]
    assert errors[0].startswith("unknown job type 'sumarize'; known: ")
    assert "items" in errors[1]
    assert errors[2].startswith("job: Input should be")
    assert errors[3] == "mood: Extra inputs are not permitted"
    assert all(item["id"] is None for item in batch["items"][1:5])
    deployment.start()
    first, last = (api.get(f"/v1/jobs/{batch['items'][number]['id']}?wait=30").json() for number in (0, 5))
    assert (first["state"], first["tenant"], first["tags"]) == ("succeeded", "acme", ["a"])
    assert (last["state"], last["priority"]) == ("succeeded", "high")


def test_a_batch_that_is_sent_again_with_its_key_makes_no_job_twice(api: TestClient) -> None:
    jobs = [COUNT, {"type": "sumarize", "input": {}}, COUNT]
    first, again = sent(api, jobs, **KEY), sent(api, jobs, **KEY)

    assert (statuses(first), statuses(again)) == ([202, 422, 202], [200, 422, 200])
    assert [item["id"] for item in again["items"]] == [item["id"] for item in first["items"]]
    assert len(api.get("/v1/jobs").json()) == 2
    assert first["items"][0]["id"] != first["items"][2]["id"]


def test_a_key_of_another_batch_is_refused_and_nothing_is_made(api: TestClient) -> None:
    sent(api, [COUNT], **KEY)

    answer = api.post(BATCH, json={"jobs": [COUNT, COUNT]}, headers=KEY)

    assert (answer.status_code, answer.json()["title"]) == (422, "The key was used for another request")
    assert len(api.get("/v1/jobs").json()) == 1


def test_a_key_of_one_tenant_and_of_one_job_is_no_key_of_a_batch(api: TestClient) -> None:
    assert api.post("/v1/jobs", json=COUNT, headers=KEY).status_code == 202
    assert statuses(sent(api, [COUNT], **KEY)) == [202]
    assert statuses(sent(api, [COUNT], **KEY, **{"X-Tenant": "acme"})) == [202]
    assert len(api.get("/v1/jobs").json()) == 3


def test_what_finds_no_room_is_told_when_to_come_back_and_then_let_in_by_the_same_key(deployment: Deployment) -> None:
    few = deployment.settings.model_copy(update={"tenant_backlog": 3})
    with TestClient(create_api(deployment.ledger, deployment.catalog, few)) as api:
        first = sent(api, [COUNT] * 5, **KEY)
        assert statuses(first) == [202, 202, 202, 429, 429]
        assert first["items"][3]["retry_after_s"] >= 1
        assert first["items"][3]["error"]["title"] == "Too many of the tenant's jobs wait"
        deployment.start()
        for item in first["items"][:3]:
            api.get(f"/v1/goals/{item['id'].partition('.')[0]}?wait=30")
        again = sent(api, [COUNT] * 5, **KEY)
    assert statuses(again) == [200, 200, 200, 202, 202]
    assert [item["id"] for item in again["items"][:3]] == [item["id"] for item in first["items"][:3]]


class Failing(MemoryLedger):
    """Goes away after so many runs, and comes back when told."""

    left = 2

    def create_run(self, *args: Any, **rest: Any) -> Any:
        if self.left <= 0:
            raise LedgerUnavailable("away")
        self.left -= 1
        return super().create_run(*args, **rest)


def test_an_outage_in_the_middle_loses_nothing_that_was_accepted(deploy: Callable[..., Deployment]) -> None:
    ledger = Failing()
    deployment = deploy(ledger)
    with TestClient(create_api(ledger, deployment.catalog, deployment.settings)) as api:
        first = sent(api, [COUNT, {"type": "sumarize", "input": {}}, COUNT, COUNT, COUNT], **KEY)
        assert statuses(first) == [202, 422, 202, 503, 503]
        assert first["items"][3]["retry_after_s"] == 2
        whole = api.post(BATCH, json={"jobs": [COUNT]}, headers={"Idempotency-Key": "tuesday"})
        assert (whole.status_code, whole.headers["retry-after"]) == (503, "2")
        ledger.left = 9
        again = sent(api, [COUNT, {"type": "sumarize", "input": {}}, COUNT, COUNT, COUNT], **KEY)
        assert statuses(again) == [200, 422, 200, 202, 202]
        assert len(api.get("/v1/jobs").json()) == 4


def test_on_redis_a_batch_of_a_thousand_is_taken_in_once(
    deploy: Callable[..., Deployment], ledger: RedisLedger
) -> None:
    deployment = deploy(ledger)
    jobs = [COUNT | {"tags": [f"n{number}"]} for number in range(1_000)]
    with TestClient(create_api(ledger, deployment.catalog, deployment.settings)) as api:
        first, again = sent(api, jobs, **KEY), sent(api, jobs, **KEY)
        assert (first["accepted"], again["accepted"]) == (1_000, 1_000)
        assert [item["id"] for item in again["items"]] == [item["id"] for item in first["items"]]
        assert ledger.depths()["count"]["ready"] == 1_000
        (job,) = api.get("/v1/jobs?tag=n777").json()
        assert job["id"] == first["items"][777]["id"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"jobs": []}, "body.jobs: List should have at least 1 item"),
        ({"jobs": [COUNT] * 1_001}, "body.jobs: List should have at most 1000 items"),
        ({}, "body.jobs: Field required"),
        ([COUNT], "body: Input should be"),
        ({"jobs": [COUNT], "wait": 1}, "body.wait: Extra inputs"),
    ],
)
def test_what_is_no_batch_is_refused_whole(api: TestClient, body: Any, fault: str) -> None:
    answer = api.post(BATCH, json=body)
    assert (answer.status_code, api.get("/v1/jobs").json()) == (422, [])
    assert answer.json()["errors"][0].startswith(fault)
