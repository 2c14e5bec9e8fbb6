"""Real processes, real weights: a worker killed in the middle of the demo's goal costs time and nothing else."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from coordinator.client import Client
from coordinator.commands.data_files import read_file
from coordinator.commands.demo import GOAL, INBOX
from coordinator.local.house import House
from infra.records import Job, Json
from infra.settings import Settings
from specialists.catalog import load_catalog
from tests.support.eventually import eventually

MESSAGES = read_file("messages", str(INBOX))


def outputs(client: Client, goal: Json, job_type: str) -> list[Json]:
    """What was said of each message, in order; each by one job."""
    (step,) = [step["id"] for step in goal["plan"]["steps"] if step["type"] == job_type]
    assert goal["steps"][step]["succeeded"] == len(MESSAGES)
    return [client.get_job(Job.name(goal["id"], step, number))["output"] for number in range(len(MESSAGES))]


def worker_of(house: House) -> int:
    assert house.worker.pid
    return house.worker.pid


def engine_of(client: Client) -> int:
    """The process that does the jobs, which `worker_of` only watches; a worker is named for it."""
    (name,) = client.workers()["workers"]
    return int(name.rpartition("@")[0].rpartition("-")[2])


def running_jobs(client: Client, goal_id: str) -> list[str]:
    """The jobs over messages that a worker has."""
    steps = [step["id"] for step in client.get(goal_id)["plan"]["steps"] if "map" in step]
    names = [Job.name(goal_id, step, number) for step in steps for number in range(len(MESSAGES))]
    return [name for name in names if client.get_job(name)["state"] == "running"]


@pytest.mark.timeout(600)
def test_a_worker_killed_in_the_middle_loses_and_doubles_no_message(house: House) -> None:
    killed, held = None, list[str]()
    with Client(house.url) as client:
        engine = engine_of(client)
        goal_id = client.submit(GOAL, {"messages": MESSAGES}, confirm="never")["id"]
        for event in client.events(goal_id):
            if event.name == "job.ended" and event.data["step"] != "planner" and killed is None:
                os.kill(engine, signal.SIGSTOP)  # so that it ends no job between the look and the kill
                held = running_jobs(client, goal_id)
                os.kill(engine, signal.SIGKILL if held else signal.SIGCONT)
                if held:
                    killed = worker_of(house)
                    os.kill(killed, signal.SIGKILL)
            if event.name == "run.ended":
                break
        goal = client.get(goal_id)
        assert goal["state"] == "succeeded", goal["failure"]
        assert killed, "the worker never held a job: nothing was shown"
        assert worker_of(house) != killed
        assert all(client.get_job(job_id)["attempt"] > 1 for job_id in held), "each took another attempt"
        assert all(each["intent"] for each in outputs(client, goal, "triage"))
        for message, said in zip(MESSAGES, outputs(client, goal, "entities"), strict=True):
            assert all(each["text"] in message for each in said["entities"])


def tasks_of(flower: httpx.Client) -> httpx.Response:
    query = "draw=1&start=0&length=100&order[0][column]=0&order[0][dir]=asc&columns[0][data]=name"
    return flower.get(f"/tasks/datatable?{query}").raise_for_status()


@pytest.mark.timeout(300)
def test_flower_lists_job_types_and_no_word_of_a_message(house: House) -> None:
    with Client(house.url) as client, httpx.Client(base_url=house.flower_url, timeout=30) as flower:
        job = client.job("count", {"items": [{"word": "abracadabra"}], "field": "word"})
        assert job["output"]["counts"][0]["value"] == "abracadabra"
        eventually(lambda: "count" in {task["name"] for task in tasks_of(flower).json()["data"]})  # by events
        pages = [flower.get(path).text for path in ("/", "/workers", "/tasks", f"/task/{job['id']}", "/metrics")]
        pages.append(tasks_of(flower).text)
    assert job["id"] in pages[3]
    assert not any(words in page for page in pages for words in ("abracadabra", *MESSAGES))


def test_flower_has_one_line_a_job_type(house: House) -> None:
    house.refresh_flower()
    with httpx.Client(base_url=house.flower_url, timeout=30) as flower:

        def queues() -> list[str] | None:
            """None until the worker has told Flower its queues: before, Celery's own one is there alone."""
            found = re.findall(r"<td>([a-z_]+)</td>", flower.get("/broker").text)
            return found if len(found) > 1 else None

        lines = eventually(queues)
    assert lines == load_catalog(adapters=False).names()


def test_the_demo_inbox_is_worth_a_demo() -> None:
    assert Path(INBOX).stat().st_size < Settings().api_body_bytes
    assert all(isinstance(message, str) for message in MESSAGES)
