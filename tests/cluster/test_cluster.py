"""The cluster as it is deployed: a goal through the public API, while parts of it are added, killed and cut off.

Every message must be in the result once, and no outcome may have been committed twice. What is killed or cut off held
work, or the test fails: a worker held jobs that take a second attempt, a coordinator held outcomes, Redis held leases
and messages, and all of these jobs end after the kill. Flower and the metrics must tell the truth about it, and none of
them a word of a message.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from coordinator.client import ApiError, ApiUnreachable, Client
from coordinator.commands.data_files import read_file
from coordinator.commands.demo import GOAL, INBOX
from infra.records import Job, Json, strayed_line
from specialists.catalog import load_catalog
from tests.cluster.cluster import EXAMPLES, Cluster
from tests.cluster.lasting import (
    NAPS,
    PLAN,
    WAIT_S,
    a_worker_at_work,
    assert_ended_after,
    assert_taken_over,
    at_work,
    freeze_with_outcomes,
    held_by,
    held_by_redis,
    nap,
    submit,
    unacknowledged,
)
from tests.support.eventually import eventually
from tests.support.inbox import each

pytestmark = pytest.mark.timeout(900)

MESSAGES: list[str] = read_file("messages", str(INBOX))
MANY = MESSAGES * 6
MODELS = [specialist.name for specialist in load_catalog(adapters=False) if specialist.manifest.base]
WORKERS = (*MODELS, "functions")
OURS = ("api", "coordinator", *WORKERS)


def rows_of(goal: Json) -> list[Json]:
    """The rows of the one table in the result, wherever the plan put it."""
    assert goal["state"] == "succeeded", goal["failure"]
    values = (goal["result"], *goal["result"].values())
    (rows,) = (value["rows"] for value in values if isinstance(value, dict) and "rows" in value)
    return list(rows)


def holds_each_message_once(goal: Json, messages: list[str]) -> bool:
    rows = rows_of(goal)
    return [row["value"] for row in rows] == messages and all(row["intent"] for row in rows)


def jobs(client: Client, goal_id: str, step: str, count: int) -> list[Json]:
    return [client.get_job(Job.name(goal_id, step, index)) for index in range(count)]


def ended_jobs(client: Client, goal_id: str) -> int:
    """Of all its steps; none while nobody can say."""
    try:
        return sum(step["succeeded"] for step in client.get(goal_id)["steps"].values())
    except (ApiError, ApiUnreachable):
        return 0


@contextmanager
def disturbed(cluster: Cluster, client: Client, goal_id: str, what: str) -> Iterator[None]:
    """Records how long after the disturbance the next job of the goal ended, and how long until the whole goal had."""
    before, began = ended_jobs(client, goal_id), time.monotonic()
    yield
    eventually(lambda: ended_jobs(client, goal_id) > before, within_s=WAIT_S)
    cluster.stages.append((f"{what}: until the next job ended", f"{time.monotonic() - began:.1f} s"))
    assert holds_each_message_once(client.wait(goal_id, 600), MANY)
    cluster.stages.append((f"{what}: until its goal ended", f"{time.monotonic() - began:.1f} s"))
    count = Counter(s1=len(MANY), s2=len(MANY), s4=len(NAPS))
    again = Counter(each["attempt"] for step in count for each in jobs(client, goal_id, step, count[step]))
    cluster.stages.append((f"{what}: attempts of its {count.total()} jobs", _attempts(again)))


def _attempts(counts: Counter[int]) -> str:
    return ", ".join(f"{count} took {attempts}" for attempts, count in sorted(counts.items()))


def test_the_demo_goal_is_reached_through_the_public_api(cluster: Cluster, client: Client) -> None:
    with cluster.timed(f"demo goal in words, {len(MESSAGES)} messages"):
        goal = client.run(GOAL, {"messages": MESSAGES}, confirm="never")
    assert goal["state"] == "succeeded", goal["failure"]
    over = {step["type"]: goal["steps"][step["id"]] for step in goal["plan"]["steps"] if "map" in step}
    assert {name: step["succeeded"] for name, step in over.items()} == dict.fromkeys(
        ("triage", "entities"), len(MESSAGES)
    )
    cluster.measure_memory()


def test_three_of_a_kind_share_the_work(cluster: Cluster, client: Client) -> None:
    with cluster.timed("triage scaled from 1 to 3, all healthy"):
        cluster.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "triage=3")
    with cluster.timed(f"plan of {2 * len(MANY)} jobs with three of triage"):
        goal = client.run(PLAN, {"messages": MANY})
    assert holds_each_message_once(goal, MANY)
    shares = Counter(each["worker"] for each in jobs(client, goal["id"], "s1", len(MANY)))
    assert len(shares) == 3
    cluster.stages.append(("jobs of triage by worker", ", ".join(map(str, sorted(shares.values())))))


def test_a_worker_killed_in_mid_job_costs_time_alone(cluster: Cluster, client: Client) -> None:
    goal_id = submit(client, MANY)
    worker = a_worker_at_work(client, goal_id)
    container = cluster.container_of(worker)
    cluster.freeze(container)  # so that it ends no job between the look and the kill
    held = held_by(client, goal_id, worker)
    with disturbed(cluster, client, goal_id, "worker killed"):
        cluster.kill(container)
    cluster.stages.append(("worker killed: jobs that it held", str(assert_taken_over(client, goal_id, held))))
    assert cluster.restarts(container) == 1
    cluster.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "triage=3")
    # The goal may end before the killed worker has loaded its model again, and `--wait` knows its last health.
    eventually(lambda: len(_serving(client, "triage")) == 3, within_s=WAIT_S)


def test_a_coordinator_killed_in_mid_goal_costs_time_alone(cluster: Cluster, client: Client) -> None:
    goal_id = submit(client, MANY)
    eventually(lambda: ended_jobs(client, goal_id), within_s=WAIT_S)
    (container,) = cluster.containers("coordinator")
    held = freeze_with_outcomes(cluster, container)
    with disturbed(cluster, client, goal_id, "coordinator killed"):
        cluster.kill(container)
        killed_ms = time.time() * 1000
    count = assert_ended_after(client, goal_id, held, killed_ms)
    cluster.stages.append(("coordinator killed: outcomes that it held", str(count)))
    eventually(lambda: not unacknowledged(cluster), within_s=WAIT_S)
    assert cluster.restarts(container) == 1


def test_redis_killed_in_mid_goal_costs_time_alone(cluster: Cluster, client: Client) -> None:
    goal_id = submit(client, MANY)
    eventually(lambda: ended_jobs(client, goal_id), within_s=WAIT_S)
    (container,) = cluster.containers("redis")
    leased = eventually(lambda: held_by_redis(cluster, "running"), within_s=WAIT_S)
    waiting = eventually(lambda: held_by_redis(cluster, "sent"), within_s=WAIT_S)
    with disturbed(cluster, client, goal_id, "Redis killed"):
        cluster.kill(container)
        killed_ms = time.time() * 1000
    for what, naps in (("leases", leased), ("messages that no worker had", waiting)):
        count = assert_ended_after(client, goal_id, naps, killed_ms)
        cluster.stages.append((f"Redis killed: {what} that it held", str(count)))
    assert cluster.restarts(container) == 1


def test_a_worker_cut_off_from_the_network_works_again_when_it_is_back(cluster: Cluster, client: Client) -> None:
    goal_id = submit(client, MANY)
    worker = a_worker_at_work(client, goal_id)
    container = cluster.container_of(worker)
    with disturbed(cluster, client, goal_id, "worker cut off until others had its jobs"), cluster.cut_off(container):
        held = held_by(client, goal_id, worker)  # from now on the ledger hears of none of them
        eventually(lambda: worker not in client.workers()["workers"], within_s=WAIT_S)
        eventually(lambda: nap(client, goal_id, held.naps[0])["attempt"] > 1, within_s=WAIT_S)
    cluster.stages.append(("worker cut off: jobs that it held", str(assert_taken_over(client, goal_id, held))))
    with cluster.timed("worker back on the network: until it took jobs again"):
        eventually(lambda: _takes_jobs(client, worker.rpartition("@")[2]), within_s=300)


def _takes_jobs(client: Client, host: str) -> bool:
    goal = client.run({"steps": [each("s1", "triage")]}, {"messages": MESSAGES})
    return any(each["worker"].endswith(host) for each in jobs(client, goal["id"], "s1", len(MESSAGES)))


def _serving(client: Client, job_type: str) -> list[str]:
    return [name for name, about in client.workers()["workers"].items() if job_type in about["serves"]]


def test_no_outcome_was_committed_twice(cluster: Cluster) -> None:
    commits = Counter(line["job_id"] for line in cluster.logs(*WORKERS) if line.get("action") == "commit")
    assert len(commits) > 4 * len(MANY)
    assert [job_id for job_id, count in commits.items() if count > 1] == []


def test_flower_lets_in_who_has_its_password_and_changes_nothing(cluster: Cluster, flower: httpx.Client) -> None:
    for page in ("/", "/workers", "/tasks", "/broker", "/api/tasks"):
        assert httpx.get(cluster.flower_url + page).status_code == 401
        assert flower.get(page).is_success
    assert flower.post("/api/task/send-task/triage", json={"args": ["x"]}).status_code == 403
    (worker, *_) = flower.get("/api/workers").json()
    assert flower.post(f"/api/worker/shutdown/{worker}").status_code == 403


def test_flower_shows_one_line_a_job_type_and_says_how_its_jobs_ended(cluster: Cluster, flower: httpx.Client) -> None:
    types = set(flower.get("/api/task/types").json()["task-types"])
    assert {"planner", "triage", "entities", "table"} <= types <= {*load_catalog(adapters=False).names(), "nap"}
    seen = flower.get("/api/tasks", params={"limit": 10_000}).json().values()
    assert {task["name"] for task in seen} <= types | {None}  # what a worker told while Redis was away is lost
    assert {"SUCCESS"} <= {task["state"] for task in seen} <= {"SUCCESS", "STARTED", "RECEIVED", "PENDING"}
    assert all(0 <= task["runtime"] < 600 for task in seen if task["state"] == "SUCCESS")


def test_flower_lists_every_worker_with_its_queues(flower: httpx.Client, client: Client) -> None:
    alive = client.workers()["workers"]
    eventually(lambda: alive.keys() <= flower.get("/api/workers", params={"refresh": 1}).json().keys())
    shown = flower.get("/api/workers").json()
    for name, about in alive.items():
        own = {strayed_line(job_type, schemas) for job_type, schemas in about["schemas"].items()}
        assert {queue["name"] for queue in shown[name]["active_queues"]} == set(about["serves"]) | own
    lengths = flower.get("/api/queues/length").json()["active_queues"]
    assert {queue["name"] for queue in lengths} >= {"planner", "triage", "entities"}


def test_nothing_that_is_seen_or_logged_holds_a_word_of_a_message(
    cluster: Cluster, client: Client, flower: httpx.Client
) -> None:
    goal_id = client.recent()[-1]["id"]
    pages = ["/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers", f"/task/{Job.name(goal_id, 's1', 0)}"]
    seen = [flower.get(page).text for page in pages]
    seen += [flower.get("/api/tasks", params={"limit": 10_000}).text, cluster.compose("logs", "--no-color")]
    seen += [cluster.fetch(service, "http://127.0.0.1:9464/metrics") for service in OURS]
    secrets = [file.read_text().strip() for file in EXAMPLES.iterdir()]
    words = {word for message in MESSAGES for word in re.findall(r"[A-Z][a-z]{5,}", message[1:])}
    assert len(words) > 10
    for text in seen:
        assert not [word for word in words if word in text and word not in ALLOWED]
        assert not [message for message in MESSAGES if message[:30] in text]
        assert not [secret for secret in secrets if secret in text]


#: Words of messages that programs say of themselves.
ALLOWED = {"Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday"}


def test_every_process_of_ours_shows_metrics(cluster: Cluster) -> None:
    for service in OURS:
        assert "manyhands_build_info{" in cluster.fetch(service, "http://127.0.0.1:9464/metrics"), service


def test_a_worker_scaled_away_in_mid_job_loses_nothing(cluster: Cluster, client: Client) -> None:
    goal_id = submit(client, MANY)
    before = cluster.containers("triage")
    holders = eventually(lambda: _all_at_work(client, goal_id, len(before)), within_s=WAIT_S)
    began_ms = time.time() * 1000
    with cluster.timed("one of three workers stopped in mid-job"):
        cluster.compose("up", "--detach", "--no-recreate", "--scale", "triage=2")
    (gone,) = set(before) - set(cluster.containers("triage"))
    assert holds_each_message_once(client.wait(goal_id, 600), MANY)
    held = [
        Job.name(goal_id, "s4", index)
        for index, worker in holders.items()
        if gone.startswith(worker.rpartition("@")[2])
    ]
    count = assert_ended_after(client, goal_id, held, began_ms)
    cluster.stages.append(("worker scaled away: jobs that it held", str(count)))
    assert len(cluster.containers("triage")) == 2


def _all_at_work(client: Client, goal_id: str, workers: int) -> dict[int, str] | None:
    """The naps that run, each with its worker, once every worker of the type has one."""
    running = at_work(client, goal_id)
    return running if len(set(running.values())) == workers else None
