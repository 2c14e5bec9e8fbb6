"""The likeliest values of a label, from the request over a real Redis and a worker process to the job's view."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from coordinator.api.build import create_api
from infra.ledger.redis.ledger import RedisLedger
from infra.queue.celery_queue import CeleryQueue
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.manifest import Recipe
from specialists.specialist import load_specialist
from specialists.training.run import train_specialist
from tests.integration.heads.given import MOOD, moods, specialist
from tests.support.jobs import await_ends

Start = Callable[..., subprocess.Popen[str]]
WAIT_S = 300  #: a worker that imports torch takes long to start on a busy machine
TEXT = {"text": "a sunny day"}
MORE = "\n[confidence]\nscale = 0.5\nshift = 0.2\n\n[reuse]\nunique = true\n"


@pytest.fixture(scope="module")
def mood(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on words and letters alone, which needs no base."""
    folder = tmp_path_factory.mktemp("specialists")
    found = specialist(folder / "mood", Path("linear"), MOOD, 'kind = "label"')
    train_specialist(
        found, moods(), "own", folder / "run", Recipe(), count=None, start=None, base=None,
        weights=Settings().weights, threads=1, install=True, say=print, dev=moods(),
    )  # fmt: skip
    manifest = found.folder / "specialist.toml"
    manifest.write_text(manifest.read_text() + MORE)
    load_specialist(found.folder)
    return found.folder


@pytest.fixture
def api(ledger: RedisLedger, settings: Settings, mood: Path) -> TestClient:
    return TestClient(create_api(ledger, load_catalog([mood]), settings))


def test_jobs_of_one_message_each_tell_as_many_values_as_they_ask_for(
    start_worker: Start, mood: Path, api: TestClient, ledger: RedisLedger, queue: CeleryQueue
) -> None:
    asked = {top: {"type": "mood", "input": TEXT} | ({"top": top} if top else {}) for top in (None, 1, 3, 20)}
    ids = {top: api.post("/v1/jobs", json=body).json()["id"] for top, body in asked.items()}
    assert len(ledger.take_ready(10)) == len(ids)  # none waits for another: each asks something else
    queue.send_all([("mood", *ids.values())])
    start_worker("mood", specialists=json.dumps([str(mood)]))
    await_ends(ledger, list(ids.values()), WAIT_S)

    jobs = {top: api.get(f"/v1/jobs/{job_id}").json() for top, job_id in ids.items()}

    assert [job["output"] for job in jobs.values()] == [{"mood": "glad"}] * 4
    assert jobs[None]["alternatives"] is None
    told = {top: jobs[top]["alternatives"]["mood"] for top in (1, 3, 20)}
    assert [len(pairs) for pairs in told.values()] == [1, 3, 4]  # there are four moods
    assert told[20][:3] == told[3]
    assert told[3][0] == told[1][0] == {"value": "glad", "probability": jobs[3]["confidence"]}
    chances = [each["probability"] for each in told[20]]
    assert chances == sorted(chances, reverse=True)
    assert 0.9 < sum(chances) <= 1 + 1e-9
