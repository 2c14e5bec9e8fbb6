"""Lists, tags and files on the command line: against an API on a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from coordinator.client import Client
from coordinator.commands.cli import register
from tests.support.answers import planned, refused
from tests.support.deployment import Deployment
from tests.support.story import SORT, ref

Say = Callable[..., Result]
BAD = {"columns": [["a secret word"], []]}  # of unequal length: `table` fails
TICKETS = 'id,message,from\n1,"my card is lost, in Rome",Anna\n2,what is the rate,Ben\n'
INTENTS = {"my card is lost, in Rome": "lost_or_stolen_card", "what is the rate": "exchange_rate"}


@pytest.fixture
def say(deployment: Deployment, url: str, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Runs a command: `say("cancel", ID)`."""
    deployment.answers |= {"planner": lambda _: refused(), "triage": lambda job: {"intent": INTENTS[job["text"]]}}
    deployment.start()
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    register(app)

    def say(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--url", url])

    return say


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    (tmp_path / "tickets.csv").write_text(TICKETS, "utf-8")
    return tmp_path / "tickets.csv"


def test_the_status_of_goals_is_filtered_by_state_tag_type_and_tenant(say: Say, url: str) -> None:
    with Client(url, "acme") as client:
        failed = client.job("table", BAD, 30.0, tags=["monday"])["id"].partition(".")[0]
        done = client.job("count", {"items": [{"a": "x"}], "field": "a"}, 30.0, tags=["monday", "en"])["id"]
        done = done.partition(".")[0]
        for goal in (failed, done):
            client.wait(goal, 30.0)

    def shown(*words: str) -> tuple[bool, bool]:
        told = say("status", *words)
        assert told.exit_code == 0, told.output
        return failed in told.stdout, done in told.stdout

    assert shown() == (True, True)
    assert shown("--state", "failed", "--tag", "monday") == (True, False)
    assert shown("--tag", "monday", "--tag", "en") == (False, True)
    assert shown("--type", "table", "--tenant", "acme") == (True, False)
    assert shown("--tenant", "byte") == (False, False)
    assert shown("--limit", "1") == (False, True)
    assert "monday en" in say("status").stdout
    jobs = say("jobs", "--state", "failed", "--tag", "monday").stdout
    assert f"{failed}.job.0" in jobs
    assert "equal length" in jobs
    assert f"{done}.job.0" not in jobs


def test_filters_of_one_goal_are_refused(say: Say) -> None:
    told = say("status", "0" * 32, "--state", "failed")
    assert told.exit_code != 0
    assert "leave the goal's id out" in told.output


def test_letters_are_listed_by_tag(say: Say, url: str) -> None:
    with Client(url) as client:
        first, second = (client.job("table", BAD, 30.0, tags=[tag])["id"] for tag in ("a", "b"))
    told = say("letters", "list", "--tag", "a")
    assert first in told.stdout
    assert second not in told.stdout


def test_a_column_goes_in_and_the_rows_come_out(say: Say, tickets: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"steps": [SORT]}), "utf-8")
    words = ("run", "--plan", str(tmp_path / "plan.json"), "--input", f"messages=@{tickets}#message", "--tag", "inbox")
    told = say(*words, "--out", str(tmp_path / "result.csv"))

    assert told.exit_code == 0, told.output
    assert (tmp_path / "result.csv").read_text("utf-8") == "intent\nlost_or_stolen_card\nexchange_rate\n"
    assert "result.csv: 2 rows" in told.stderr
    assert say("status", "--tag", "inbox").stdout.count("succeeded") == 1


def test_a_goal_in_words_over_a_list_of_objects_is_mapped_by_a_field(
    deployment: Deployment, say: Say, tickets: Path, tmp_path: Path
) -> None:
    by_field = SORT | {"map": {"over": ref("inputs.messages[].message"), "as": "item"}}
    joined = {"id": "s2", "type": "table", "args": {"columns": [ref("inputs.messages"), ref("s1")]}}
    deployment.answers["planner"] = lambda _: planned(by_field, joined)
    told = say("run", "Sort", "--input", f"messages=@{tickets}", "--out", str(tmp_path / "result.jsonl"))

    assert told.exit_code == 0, told.output
    rows = [json.loads(line) for line in (tmp_path / "result.jsonl").read_text("utf-8").splitlines()]
    assert [(row["id"], row["intent"]) for row in rows] == [("1", "lost_or_stolen_card"), ("2", "exchange_rate")]


@pytest.mark.parametrize("name", ["result.xlsx", "nowhere/result.csv"])
def test_a_file_that_cannot_be_written_is_refused_before_the_goal_is_sent(say: Say, url: str, name: str) -> None:
    told = say("run", "Sort", "--out", name)
    assert told.exit_code != 0
    assert "--out" in told.output
    with Client(url) as client:
        assert list(client.list_goals()) == []
