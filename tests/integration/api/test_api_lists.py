"""Lists over HTTP: page by page, filtered, in order, while others arrive and end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from coordinator.goals import lists
from coordinator.goals.goals import Goals
from coordinator.goals.request import Goal
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Json
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.story import SORT, with_fallback

COUNT = {"type": "count", "input": {"items": [{"intent": "a"}], "field": "intent"}}
BROKEN = {"type": "table", "input": {"columns": [["x"], []]}}  # of unequal length: it fails
COUNTING = {"steps": [{"id": "s1", "type": "count", "args": COUNT["input"]}]}
SORTING = {"plan": {"steps": [SORT]}, "inputs": {"messages": ["one", "two", "three"]}}
MANY = 5_000


def pages(api: TestClient, path: str, **query: Any) -> Iterator[list[Json]]:
    """The pages of a list, by the links from one to the next."""
    address = str(api.build_request("GET", path, params=query).url)
    while address:
        answer = api.get(address)
        assert answer.status_code == 200, answer.text
        yield answer.json()
        address = answer.links.get("next", {}).get("url", "")


def ids(api: TestClient, path: str, **query: Any) -> list[str]:
    name = "job_id" if path.endswith("letters") else "id"
    return [each[name] for page in pages(api, path, **query) for each in page]


def accepted(api: TestClient, path: str, body: Json, tenant: str = "default", **rest: Any) -> str:
    answer = api.post(path, json=body | rest, headers={"X-Tenant": tenant})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def run_of(job_id: str) -> str:
    return job_id.partition(".")[0]


# -- many, on Redis --


@pytest.fixture
def many(deploy: Callable[..., Deployment], ledger: RedisLedger) -> Iterator[tuple[TestClient, Goals, list[str]]]:
    """An API on Redis that has accepted many goals."""
    deployment = deploy(ledger)
    goals = Goals(ledger, deployment.catalog, deployment.settings)
    first = goals.accept(Goal(plan=COUNTING, tags=("many",)))
    record, job = first.record(0), ledger.job(f"{first.id}.s1.0")
    assert job
    names = [first.id, *(uuid4().hex for _ in range(MANY - 1))]
    for name in names[1:]:  # as if each were accepted, without compiling its plan again
        run = record.model_copy(update={"id": name, "body": record.body | {"id": name}})
        ledger.create_run(run, [job.job.model_copy(update={"id": f"{name}.s1.0", "run_id": name})], [])
    with TestClient(create_api(ledger, deployment.catalog, deployment.settings)) as api:
        yield api, goals, names


@pytest.mark.timeout(900)
def test_of_many_goals_none_is_missed_and_none_comes_twice_while_others_arrive_and_end(
    many: tuple[TestClient, Goals, list[str]],
) -> None:
    api, goals, names = many
    arrived: list[str] = []
    over = threading.Event()

    def arrive_and_end() -> None:
        for number in itertools.cycle(range(0, MANY, 7)):
            if over.is_set():
                return
            goals.cancel(names[number])
            arrived.append(goals.accept(Goal(plan=COUNTING)).id)

    thread = threading.Thread(target=arrive_and_end)
    thread.start()
    try:
        newest_first = ids(api, "/v1/goals", limit=200)
        before = len(arrived)
        oldest_first = ids(api, "/v1/goals", limit=200, order="asc")
    finally:
        over.set()
        thread.join()

    known = set(names)
    assert before > 0
    assert [each for each in newest_first if each in known] == names[::-1]
    assert len(newest_first) == len(set(newest_first))
    assert oldest_first[:MANY] == names
    assert oldest_first[MANY:] == arrived[: len(oldest_first) - MANY]
    assert len(oldest_first) >= MANY + before
    assert ids(api, "/v1/goals", limit=200, tag="many") == names[::-1]
    running, ended = (
        set(ids(api, "/v1/goals", limit=200, tag="many", state=each)) for each in ("running", "cancelled")
    )
    assert running | ended == known
    assert not running & ended
    assert [run_of(job) for job in ids(api, "/v1/jobs", limit=200, tag="many", order="asc")] == names


# -- filters --


@pytest.fixture
def running(deployment: Deployment, api: TestClient) -> TestClient:
    deployment.answers["triage"] = lambda _: {"intent": "card_arrival"}
    deployment.start()
    return api


def test_goals_are_listed_by_tenant_tag_type_and_state(running: TestClient) -> None:
    first = accepted(running, "/v1/goals?wait=30", SORTING, "acme", tags=["urgent", "en", "urgent"])
    second = accepted(running, "/v1/goals?wait=30", SORTING, "byte", tags=["urgent"])
    third = run_of(accepted(running, "/v1/jobs?wait=30", COUNT, "acme"))
    fourth = run_of(accepted(running, "/v1/jobs?wait=30", BROKEN))
    for each in (third, fourth):
        running.get(f"/v1/goals/{each}?wait=30")

    assert ids(running, "/v1/goals") == [fourth, third, second, first]
    assert ids(running, "/v1/goals", order="asc", limit=1) == [first, second, third, fourth]
    assert ids(running, "/v1/goals", tenant="acme") == [third, first]
    assert ids(running, "/v1/goals", tag="urgent") == [second, first]
    assert ids(running, "/v1/goals", tag=["urgent", "en"]) == [first]
    assert ids(running, "/v1/goals", type="triage", limit=1) == [second, first]
    assert ids(running, "/v1/goals", state="failed") == [fourth]
    assert ids(running, "/v1/goals", state="succeeded", tenant="byte") == [second]
    assert ids(running, "/v1/goals", tenant="nobody") == []
    assert running.get(f"/v1/goals/{first}").json()["tags"] == ["urgent", "en"]


def test_goals_are_listed_by_when_they_were_created(api: TestClient) -> None:
    names = [accepted(api, "/v1/goals", SORTING) for _ in range(3)]
    created = [api.get(f"/v1/goals/{name}").json()["created_ms"] for name in names]

    assert ids(api, "/v1/goals", created_from_ms=created[0], created_to_ms=created[2]) == names[::-1]
    assert names[0] not in ids(api, "/v1/goals", created_from_ms=created[0] + 1)
    assert names[2] not in ids(api, "/v1/jobs", created_to_ms=created[2] - 1)
    assert ids(api, "/v1/goals", created_from_ms=created[2] + 60_000) == []


def test_a_goal_is_listed_by_the_types_of_its_plan_and_of_its_planning(
    running: TestClient, deployment: Deployment
) -> None:
    from tests.support.answers import planned

    deployment.answers["planner"] = lambda _: planned(SORT)
    goal = accepted(running, "/v1/goals?wait=30", {"goal": "Sort", "inputs": SORTING["inputs"]})

    assert ids(running, "/v1/goals", type="planner") == ids(running, "/v1/goals", type="triage") == [goal]
    assert ids(running, "/v1/jobs", type="planner") == [f"{goal}.planner.0"]
    assert ids(running, "/v1/jobs", type="triage", order="asc") == [f"{goal}.s1.{index}" for index in range(3)]


def test_jobs_are_listed_in_the_order_of_their_goals_however_they_are_paged(running: TestClient) -> None:
    goal = accepted(running, "/v1/goals?wait=30", SORTING, "acme", tags=["a"])
    alone = accepted(running, "/v1/jobs?wait=30", COUNT, tags=["b"])
    other = accepted(running, "/v1/goals?wait=30", SORTING)
    whole = [*(f"{goal}.s1.{index}" for index in range(3)), alone, *(f"{other}.s1.{index}" for index in range(3))]

    for limit in (1, 2, 3, 7, 200):
        assert ids(running, "/v1/jobs", limit=limit, order="asc") == whole
        assert ids(running, "/v1/jobs", limit=limit) == whole[::-1]
    assert [len(page) for page in pages(running, "/v1/jobs", limit=7)] == [7]
    assert ids(running, "/v1/jobs", tenant="acme", order="asc") == whole[:3]
    assert ids(running, "/v1/jobs", tag="b") == [alone]
    (job,) = running.get("/v1/jobs?tag=b").json()
    assert (job["tags"], job) == (["b"], running.get(f"/v1/jobs/{alone}").json())


def test_jobs_are_listed_by_the_state_that_they_are_shown_in(deployment: Deployment, api: TestClient) -> None:
    goal = accepted(api, "/v1/goals", SORTING)
    broken, counted = accepted(api, "/v1/jobs", BROKEN), accepted(api, "/v1/jobs", COUNT)
    assert len(ids(api, "/v1/jobs", state="ready", limit=2)) == 5
    api.delete(f"/v1/jobs/{counted}")
    deployment.answers["triage"] = lambda _: {"intent": "card_arrival"}
    deployment.start()
    for each in (goal, run_of(broken)):
        api.get(f"/v1/goals/{each}?wait=30")

    assert ids(api, "/v1/jobs", state="failed") == [broken]
    assert ids(api, "/v1/jobs", state="cancelled") == [counted]
    assert ids(api, "/v1/jobs", state="succeeded", order="asc") == [f"{goal}.s1.{index}" for index in range(3)]
    assert ids(api, "/v1/jobs", state="ready") == ids(api, "/v1/jobs", state="running") == []


def test_a_page_that_looks_at_too_much_comes_back_short_and_goes_on(
    running: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOKS", 4)
    jobs = [accepted(running, "/v1/jobs?wait=30", BROKEN if number in (0, 9) else COUNT) for number in range(10)]

    found = list(pages(running, "/v1/jobs", state="failed", order="asc"))

    assert [job["id"] for page in found for job in page] == [jobs[0], jobs[9]]
    assert len(found) == 3
    assert ids(running, "/v1/jobs", order="asc") == jobs


def test_letters_are_listed_by_tenant_tag_and_time_under_both_addresses(running: TestClient) -> None:
    jobs = []
    for number, tenant in enumerate(("acme", "byte", "acme")):
        jobs.append(
            accepted(running, "/v1/jobs?wait=30", BROKEN, tenant, tags=["odd"] if number % 2 else ["even", "x"])
        )

    for path in ("/v1/dead-letters", "/v1/letters"):
        assert sorted(ids(running, path, limit=1)) == sorted(jobs)
        assert ids(running, path, order="asc", limit=2) == ids(running, path)[::-1]
        assert set(ids(running, path, tenant="acme", limit=1)) == {jobs[0], jobs[2]}
        assert ids(running, path, tag="odd") == [jobs[1]]
        assert set(ids(running, path, tag=["even", "x"])) == {jobs[0], jobs[2]}
    letter = running.get("/v1/letters?tag=odd").json()[0]
    assert (letter["tenant"], letter["tags"]) == ("byte", ["odd"])
    ended_ms = letter["at_ms"]
    assert jobs[1] in ids(running, "/v1/letters", ended_from_ms=ended_ms, ended_to_ms=ended_ms)
    assert jobs[1] not in ids(running, "/v1/letters", ended_to_ms=ended_ms - 1)


def test_a_job_that_waits_for_a_fallback_is_listed_as_it_is_shown(
    deploy: Callable[..., Deployment], deployment: Deployment
) -> None:
    deployment.catalog = with_fallback()
    held = threading.Event()

    def large(_: Json) -> Json:
        held.wait(30)
        return {"intent": "exchange_rate"}

    fallback = Deployment(deployment.ledger, with_fallback())
    fallback.answers |= {"triage": lambda _: {"intent": "card_arrival"}, "large": large}
    fallback.confidence |= {"triage": 0.4, "large": 0.9}
    with TestClient(create_api(fallback.ledger, fallback.catalog, fallback.settings)) as api:
        job = accepted(api, "/v1/jobs", {"type": "triage", "input": {"text": "x"}})
        fallback.start()
        try:
            eventually(lambda: api.get(f"/v1/jobs/{job}").json()["fallback"] is not None, "its fallback is asked")
            eventually(lambda: ids(api, "/v1/jobs", state="running") == [job], "its fallback runs")
            assert ids(api, "/v1/jobs", state="succeeded") == []
        finally:
            held.set()
        api.get(f"/v1/jobs/{job}?wait=30")
        assert ids(api, "/v1/jobs", state="succeeded") == [job]
        fallback.stop()


# -- what is refused --


@pytest.mark.parametrize(
    ("query", "status", "fault"),
    [
        ("after=nothing", 422, "query.after: is no place in this list"),
        ("after=WzEsMl0", 422, "query.after: is no place in this list"),  # [1,2]
        ("after=WyJhIl0", 422, "query.after: is no place in this list"),  # ["a"]
        ("after=Wy0xZTk5OV0", 422, "query.after: is no place in this list"),  # [-1e999]
        ("after=%C3%BC", 422, "query.after: is no place in this list"),
        ("state=done", 422, "query.state: Input should be"),
        ("order=newest", 422, "query.order: Input should be 'desc' or 'asc'"),
        ("limit=0", 422, "query.limit: "),
        ("limit=201", 422, "query.limit: "),
        ("tag=two words", 422, "query.tag.0: "),
        ("tenant=two words", 422, "query.tenant: "),
        ("created_from_ms=-1", 422, "query.created_from_ms: "),
        ("created=1", 422, "query.created: is not known here"),
        ("type=sumarize", 404, "unknown job type 'sumarize'"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/goals", "/v1/jobs"])
def test_what_is_wrong_with_a_query_is_said(api: TestClient, path: str, query: str, status: int, fault: str) -> None:
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == status
    assert answer.json()["errors"][0].startswith(fault)


def test_a_cursor_of_another_list_is_refused(running: TestClient) -> None:
    for _ in range(2):
        accepted(running, "/v1/jobs?wait=30", BROKEN)
    for path, other in (("/v1/goals", "/v1/jobs"), ("/v1/jobs", "/v1/dead-letters"), ("/v1/dead-letters", "/v1/goals")):
        following = running.get(f"{path}?limit=1").links["next"]["url"]
        assert following.startswith(f"{path}?limit=1&after=")
        assert running.get(following.replace(path, other)).status_code == 422


@pytest.mark.parametrize("tags", [["two words"], [""], ["x" * 65], [f"t{number}" for number in range(17)], "a", [1]])
@pytest.mark.parametrize(("path", "body"), [("/v1/goals", SORTING), ("/v1/jobs", COUNT)])
def test_tags_that_are_too_many_or_no_words_are_refused(api: TestClient, path: str, body: Json, tags: Any) -> None:
    answer = api.post(path, json=body | {"tags": tags})
    assert answer.status_code == 422
    assert answer.json()["errors"][0].startswith("body.tags")
