"""The door of the API: who is let in, who is told to come back, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.api.metrics import ApiMetrics
from infra.ledger.memory.ledger import MemoryLedger
from infra.records import Claim, JobState, Outcome, TypeState
from infra.settings import Settings
from specialists.catalog import Catalog
from tests.support.clock import Clock

ROWS = {"items": [{"intent": "a"}], "field": "intent"}
JOB = {"type": "count", "input": ROWS}


class ClockedApi:
    """An API over a ledger whose clock the test turns."""

    def __init__(self, catalog: Catalog, **settings: Any) -> None:
        self.clock = Clock(1000.0)
        self.registry = CollectorRegistry()
        self.ledger = MemoryLedger(now_ms=self.clock)
        self._app = create_api(
            self.ledger, catalog, Settings(_env_file=None, **settings), metrics=ApiMetrics(self.registry)
        )
        self.api = TestClient(self._app)

    def serve(self, jobs: int, each_ms: int) -> None:
        """Do so many of those that wait, in so long each."""
        for _, job_id in self.ledger.take_ready(window=jobs)[:jobs]:
            claim = self.ledger.claim(job_id, "worker-1", 60_000)
            assert isinstance(claim, Claim)
            self.clock.passes(each_ms)
            job = claim.job
            outcome = Outcome(
                job_id=job.id, run_id=job.run_id, step_id=job.step_id, index=job.index, attempt=1,
                state=JobState.SUCCEEDED, output={"counts": [], "total": 0},
            )  # fmt: skip
            self.ledger.commit(outcome, claim.token)

    def refused(self, why: str) -> float | None:
        return self.registry.get_sample_value("manyhands_refusals_total", {"job_type": "count", "reason": why})


@pytest.fixture
def open_api(catalog: Catalog) -> Iterator[Callable[..., ClockedApi]]:
    made: list[ClockedApi] = []

    def make(**settings: Any) -> ClockedApi:
        made.append(ClockedApi(catalog, **settings))
        made[-1].api.__enter__()
        return made[-1]

    yield make
    for each in made:
        each.api.__exit__()


def mapped(count: int, **rest: Any) -> dict[str, Any]:
    """A goal of `count` jobs at once."""
    step = {
        "id": "s1",
        "type": "count",
        "map": {"over": {"$ref": "inputs.lists"}, "as": "item"},
        "args": {"items": {"$ref": "item"}, "field": "intent"},
    }
    return {"plan": {"steps": [step]}, "inputs": {"lists": [[{"intent": "a"}]] * count}, **rest}


def test_a_type_whose_backlog_is_full_takes_no_more_and_says_so(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api(backlog=3)
    assert [here.api.post("/v1/jobs", json=JOB).status_code for _ in range(3)] == [202] * 3
    answer = here.api.post("/v1/jobs", json=JOB)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["title"] == "Too many jobs wait"
    assert answer.json()["errors"] == ["count: 3 jobs wait; at most 3 may"]
    assert answer.headers["retry-after"] == "10"  # nothing has been measured yet
    assert here.refused("backlog") == 1
    assert len(here.api.get("/v1/goals").json()) == 3


def test_a_tenant_with_too_many_jobs_is_refused_and_another_is_not(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api(tenant_backlog=1, tenants={"big": {"backlog": 2}})
    answers = [here.api.post("/v1/jobs", json=JOB, headers={"X-Tenant": "big"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["title"] == "Too many of the tenant's jobs wait"
    assert answers[2].json()["errors"] == ["count: 2 jobs of tenant 'big' wait; at most 2 may"]
    assert answers[2].headers["retry-after"] == "10"
    assert here.api.post("/v1/jobs", json=JOB, headers={"X-Tenant": "small"}).status_code == 202
    assert here.api.post("/v1/jobs", json=JOB, headers={"X-Tenant": "small"}).status_code == 429


def test_what_would_fit_no_empty_line_is_refused_for_good(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api(backlog=3)
    answer = here.api.post("/v1/goals", json=mapped(4))
    assert answer.status_code == 422
    assert answer.json()["errors"] == ["count: 4 jobs at once; at most 3 may wait"]
    assert "retry-after" not in answer.headers
    assert here.api.post("/v1/goals", json=mapped(3)).status_code == 202


@pytest.mark.parametrize(
    ("asked", "drained"),
    [
        pytest.param({"goal": "Sort"}, "planner", id="the planner of a goal in words"),
        pytest.param(
            {
                "plan": {
                    "steps": [
                        {"id": "s1", "type": "triage", "args": {"text": "x"}},
                        {"id": "s2", "type": "count", "args": {"items": [], "field": "x"}, "after": ["s1"]},
                    ]
                }
            },
            "count",
            id="a later step",
        ),
    ],
)
def test_a_draining_type_takes_in_nothing_that_names_it(
    open_api: Callable[..., ClockedApi], asked: dict[str, Any], drained: str
) -> None:
    here = open_api()
    here.ledger.set_type_state(drained, TypeState.DRAINING)
    answer = here.api.post("/v1/goals", json=asked)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert answer.json()["title"] == "The job type takes nothing in"
    assert answer.json()["errors"] == [f"{drained}: is draining: what waits is done, and nothing taken in"]
    here.ledger.set_type_state(drained, TypeState.OPEN)
    assert here.api.post("/v1/goals", json=asked).status_code == 202


def test_a_paused_type_takes_in_what_waits_until_it_goes_on(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api()
    here.ledger.set_type_state("count", TypeState.PAUSED)
    goal = here.api.post("/v1/goals", json=mapped(1)).json()
    seen = here.api.get(f"/v1/goals/{goal['id']}").json()
    (listed,) = here.api.get("/v1/goals").json()
    assert goal["paused"] == seen["paused"] == listed["paused"] == ["count"]
    here.ledger.set_type_state("count", TypeState.OPEN)
    assert here.api.get(f"/v1/goals/{goal['id']}").json()["paused"] == []


def test_a_goal_that_has_ended_waits_for_no_paused_type(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api()
    here.ledger.set_type_state("count", TypeState.PAUSED)
    goal = here.api.post("/v1/goals", json=mapped(1)).json()
    assert here.api.delete(f"/v1/goals/{goal['id']}").json()["paused"] == []
    rerun = here.api.post(f"/v1/goals/{goal['id']}/rerun")
    assert (rerun.status_code, rerun.json()["paused"]) == (202, ["count"])


def test_a_deadline_that_the_measured_speed_cannot_meet_is_refused(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api()
    assert here.api.post("/v1/goals", json=mapped(100)).status_code == 202
    here.serve(20, each_ms=100)  # ten a second; eighty wait for eight seconds
    predicted = here.api.get("/v1/job-types/count/load").json()["predicted_wait_s"]
    assert predicted == pytest.approx(8.0, rel=0.01)
    for asked, must in (
        ({"deadline_s": 5.5}, "be done within 5.5 s"),
        ({"claim_within_s": 5.5}, "be claimed within 5.5 s and be done within 600 s"),
        ({"deadline_s": 500, "claim_within_s": 5.5}, "be claimed within 5.5 s and be done within 500 s"),
    ):
        answer = here.api.post("/v1/jobs", json={**JOB, **asked})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "4")
        assert answer.json()["title"] == "The deadline cannot be met"
        assert answer.json()["errors"] == [f"count: the wait is about 8.0 s; it must {must}"]
    assert here.api.post("/v1/jobs", json={**JOB, "deadline_s": 9}).status_code == 202
    assert here.refused("deadline") == 3


def test_a_goals_limits_are_looked_at_like_a_jobs(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api()
    here.api.post("/v1/goals", json=mapped(100))
    here.serve(20, each_ms=100)
    assert here.api.post("/v1/goals", json=mapped(1, limits={"claim_within_s": 5.5})).status_code == 503
    assert (
        here.api.post("/v1/goals", json=mapped(1, limits={"claim_within_s": 5.5}, priority="high")).status_code == 202
    )


def test_those_who_come_at_once_do_not_pass_the_bound_together(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api(backlog=10)
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: here.api.post("/v1/jobs", json=JOB).status_code, range(40)))
    assert sorted(answers) == [202] * 10 + [503] * 30


def test_the_load_of_a_type_is_shown_to_who_asks(open_api: Callable[..., ClockedApi]) -> None:
    here = open_api()
    here.api.post("/v1/goals", json=mapped(3, priority="high"), headers={"X-Tenant": "acme"})
    here.api.post("/v1/goals", json=mapped(2))
    here.ledger.take_ready(window=1)
    load = here.api.get("/v1/job-types/count/load", headers={"X-Tenant": "acme"}).json()
    assert load == {
        "state": "open",
        "ready": {"high": 2, "normal": 2, "low": 0},
        "own": {"high": 2, "normal": 0, "low": 0},
        "sent": 1,
        "tokens": 5,
        "tokens_per_s": None,
        "predicted_wait_s": None,
    }
    here.serve(4, each_ms=500)
    for asked, wait in (("high", 0.5), ("normal", 1.0), ("low", 1.0)):  # one is on the queue yet, one is normal
        seen = here.api.get(f"/v1/job-types/count/load?priority={asked}").json()
        assert seen["predicted_wait_s"] == pytest.approx(wait, rel=0.1), asked
