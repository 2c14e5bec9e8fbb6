"""`manyhands replay` on jobs that a worker has done, their ledger in a real Redis: exit codes and what is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import infra.cli
from infra.ledger.redis.ledger import RedisLedger
from infra.records import Job, JobState, RunRecord
from infra.settings import Settings
from specialists.specialist import Specialist, load_specialist
from workers.engines import Engine
from workers.engines.load import load_engines
from workers.worker import Worker

Do = Callable[..., str]
Run = Callable[..., Result]

MOOD = """
engine = "scripted"
[decoding]
format = "lines"
max_tokens = 8
"""
DICE = """
import time
def throw(input):
    if input["sides"] < 1:
        raise ZeroDivisionError
    return {"thrown": time.time_ns()}
"""
WORDS = ["It came at once.", "It never came.", "It came late."]


@pytest.fixture
def specialists(write_specialist: Callable[..., Path]) -> list[Specialist]:
    """`mood` gives the same each time, `dice` never."""
    text = {"text": {"type": "string", "maxLength": 100}}
    examples = [{"input": {"text": words}, "output": {"mood": "good"}} for words in WORDS]
    files = {"prompt.txt": "{{text}}\nMood:", "examples.jsonl": "\n".join(map(json.dumps, examples))}
    manifest = 'engine = "function"\nfunction = "throw.py:throw"\n'
    numbers: list[dict[str, Any]] = [{name: {"type": "number"}} for name in ("sides", "thrown")]
    return [
        load_specialist(write_specialist("mood", MOOD, text, {"mood": {"enum": ["good", "bad"]}}, files)),
        load_specialist(write_specialist("dice", manifest, *numbers, {"throw.py": DICE})),
    ]


@pytest.fixture
def engines(specialists: list[Specialist]) -> Iterator[dict[str, Engine]]:
    engines = load_engines(specialists, Settings())
    yield engines
    for engine in engines.values():
        engine.close()


@pytest.fixture
def do(ledger: RedisLedger, specialists: list[Specialist], engines: dict[str, Engine]) -> Do:
    """Has a worker do a job of a type; returns its id."""

    def do(type: str, input: Mapping[str, Any]) -> str:
        job = Job(id="r1.s1.0", type=type, input=dict(input), run_id="r1", step_id="s1")
        ledger.create_run(RunRecord(id="r1", created_ms=1, body={}), [job], [])
        assert ledger.take_ready(10) == [(type, job.id)]
        Worker(ledger, specialists, engines, "worker-1@here", lease_s=5.0, slots=4).do(job.id)
        return job.id

    return do


@pytest.fixture
def run(redis_url: str, specialists: list[Specialist]) -> Run:
    environment = {
        "MANYHANDS_REDIS_URL": redis_url,
        "MANYHANDS_SPECIALISTS": json.dumps([str(each.folder) for each in specialists]),
    }

    def run(*arguments: str, **settings: str) -> Result:
        more = {f"MANYHANDS_{name.upper()}": value for name, value in settings.items()}
        return CliRunner().invoke(infra.cli.build(), ["replay", *arguments], env=environment | more)

    return run


def test_a_job_whose_output_comes_again_is_the_same_and_stays_as_it_is(run: Run, do: Do, ledger: RedisLedger) -> None:
    job_id = do("mood", {"text": WORDS[0]})
    before = ledger.job(job_id)

    done = run(job_id)

    assert (done.exit_code, done.stdout) == (0, f"same: {job_id} by mood@1.0.0 on scripted, 1 of 1 times\n")
    assert before
    assert before.state is JobState.SUCCEEDED
    assert ledger.job(job_id) == before


def test_a_job_whose_output_is_another_each_time_differs_and_shows_how(run: Run, do: Do) -> None:
    job_id = do("dice", {"sides": 6})

    done = run(job_id, "--times", "2")

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == f"differs: {job_id} by dice@1.0.0 on function, 2 of 2 times"
    assert sum(line.startswith(('-  "thrown"', '+  "thrown"')) for line in lines) == 2


def test_as_json_it_is_one_object(run: Run, do: Do) -> None:
    job_id = do("mood", {"text": WORDS[0]})

    done = run(job_id, "--json", "--times", "3", "--beside", "2")

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "same": True,
        "job_id": job_id,
        "specialist": "mood@1.0.0",
        "engine": "scripted",
        "times": 3,
        "beside": 2,
        "differing": 0,
        "difference": [],
        "changes": [],
    }


def test_a_specialist_that_was_changed_since_is_compared_only_when_told_to(
    run: Run, do: Do, specialists: list[Specialist]
) -> None:
    job_id = do("mood", {"text": WORDS[0]})
    (specialists[0].folder / "prompt.txt").write_text("{{text}}\nWhat mood?")

    refused, compared = run(job_id), run(job_id, "--anyway")

    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"error: job {job_id!r} was done by mood@1.0.0 of digest ")
    assert "--anyway" in refused.stderr
    assert compared.exit_code == 0
    assert "its digest was" in compared.stdout


def test_a_job_that_has_no_output_or_does_not_exist_cannot_be_replayed(run: Run, do: Do) -> None:
    failed = run(do("dice", {"sides": 0}))
    unknown = run("r9.s1.0")

    assert (failed.exit_code, unknown.exit_code) == (2, 2)
    assert "is failed (engine): there is no output to compare with" in failed.stderr
    assert unknown.stderr.startswith("error: no job 'r9.s1.0' is known")


def test_more_neighbours_than_there_are_slots_are_refused(run: Run, do: Do) -> None:
    done = run(do("mood", {"text": WORDS[0]}), "--beside", "4", slots="4")

    assert done.exit_code == 2
    assert done.stderr == "error: --beside 4 needs 5 slots; MANYHANDS_SLOTS is 4\n"


@pytest.mark.parametrize(
    ("url", "why"), [("redis://127.0.0.1:1/0", "Redis does not answer"), ("127.0.0.1", "MANYHANDS_REDIS_URL: must be")]
)
def test_where_the_ledger_is_away_it_cannot_be_said(run: Run, url: str, why: str) -> None:
    done = run("r1.s1.0", redis_url=url)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {why}")
    assert len(done.stderr.splitlines()) == 1
