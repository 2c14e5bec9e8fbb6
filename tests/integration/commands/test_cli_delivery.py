"""What the commands about delivery do and print: against an API on a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from coordinator.client import Client
from coordinator.commands.cli import register
from infra.records import Alternative
from tests.support.answers import planned, refused
from tests.support.deployment import Deployment

Say = Callable[..., Result]
BAD = {"columns": [["a secret word"], []]}  # of unequal length: `table` fails


@pytest.fixture
def say(deployment: Deployment, url: str) -> Say:
    """Runs a command: `say("cancel", ID)`."""
    deployment.answers |= {"planner": lambda _: refused(), "triage": lambda _: {"intent": "exchange_rate"}}
    app = typer.Typer()
    register(app)

    def say(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--url", url])

    return say


def failed_job(url: str) -> str:
    with Client(url) as client:
        job = client.job("table", BAD, 30.0)
        client.wait(job["id"].partition(".")[0], 30.0)
        return str(job["id"])


def test_a_request_handed_in_again_with_its_key_is_the_same_goal(say: Say) -> None:
    words = ("submit", "Sort", "--key", "k-1", "--tenant", "acme", "--priority", "high")
    first, again = say(*words), say(*words)
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert first.stdout == again.stdout
    goal = say("status", first.stdout.strip())
    assert '"tenant": "acme"' in goal.stdout
    assert '"priority": "high"' in goal.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(("submit", "Sort", "--tenant", "two words"), "header X-Tenant: no tenant's name", id="tenant"),
        pytest.param(("submit", "Sort", "--tenant", "ünïcode"), "header X-Tenant: no tenant's name", id="not ASCII"),
        pytest.param(("submit", "Sort", "--key", "two words"), "header Idempotency-Key: must be 1 to 255", id="key"),
        pytest.param(("submit", "Sort", "--priority", "urgent"), "body.priority: Input should be 'high'", id="class"),
        pytest.param(("submit", "Sort", "--key", ""), "header Idempotency-Key: must be 1 to 255", id="no key"),
        pytest.param(
            ("submit", "Sort", "--key", "ключ"), "header Idempotency-Key: must be 1 to 255", id="key, not ASCII"
        ),
        pytest.param(("run", "Sort", "--key", "a\nb"), "header Idempotency-Key: must be 1 to 255", id="key, two lines"),
        pytest.param(("run", "Sort", "--deadline", "0"), "limits.deadline_s: Input should be greater", id="deadline"),
        pytest.param(("submit", "Sort", "--claim-within", "-1"), "limits.claim_within_s: Input should be", id="queue"),
        pytest.param(("job", "triag"), "unknown job type 'triag'; known: ", id="job of an unknown type"),
        pytest.param(("job", "triage", "--input", "txt=x"), "triage.input: missing 'text'", id="input of a job"),
        pytest.param(("job", "triage", "--input", "@no.json"), "no.json cannot be read", id="file of a job"),
        pytest.param(("job", "triage", "--input", "@a.json", "--input", "b=c"), "is the whole input", id="two inputs"),
        pytest.param(("cancel", ""), "'' is no id", id="cancel nothing"),
        pytest.param(("rerun", ""), "'' is no id", id="run nothing again"),
        pytest.param(("status", ""), "'' is no id", id="status of nothing"),
        pytest.param(("pause", ""), "'' is no id", id="pause nothing"),
        pytest.param(("letters", "show", "../goals"), "'../goals' is no id", id="a path"),
        pytest.param(("letters", "purge", "", "--all"), "say which", id="purge no id and all"),
        pytest.param(("letters", "purge", "--type", ""), "say which", id="purge no type"),
        pytest.param(("cancel", "nothing.s1.0"), "no job 'nothing.s1.0'", id="cancel an unknown job"),
        pytest.param(("cancel", "nothing"), "no goal 'nothing'", id="cancel an unknown goal"),
        pytest.param(("rerun", "nothing"), "no goal 'nothing'", id="run an unknown goal again"),
        pytest.param(("pause", "triag"), "unknown job type 'triag'; known: ", id="pause an unknown type"),
        pytest.param(("letters", "show", "nothing"), "no dead letter 'nothing'", id="unknown letter"),
        pytest.param(("letters", "list", "--cause", "bad"), "query.cause: Input should be 'poison'", id="cause"),
        pytest.param(("letters", "purge"), "say which", id="purge nothing in particular"),
        pytest.param(("letters", "purge", "x", "--all"), "say which", id="purge one and all"),
    ],
)
def test_what_is_refused_is_said_in_a_line(say: Say, words: tuple[str, ...], sentence: str) -> None:
    result = say(*words)
    assert result.exit_code != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.output


def test_a_job_or_a_goal_is_cancelled_by_its_id(say: Say, url: str) -> None:
    with Client(url) as client:
        goal_id = client.submit({"steps": [{"id": "s1", "type": "triage", "args": {"text": "x"}}]})["id"]
    assert say("cancel", f"{goal_id}.s1.0").stdout == "cancelled\n"
    assert say("cancel", goal_id).stdout == "cancelled\n"


def test_a_type_is_paused_drained_and_resumed(say: Say) -> None:
    states = [say(command, "triage").stdout for command in ("pause", "drain", "resume")]
    assert states == ["triage: paused\n", "triage: draining\n", "triage: open\n"]


def test_dead_letters_are_listed_shown_run_again_and_purged(deployment: Deployment, say: Say, url: str) -> None:
    deployment.start()
    job_id = failed_job(url)
    listed = say("letters", "list", "--type", "table").stdout
    assert listed.startswith(f"{job_id}  table  failed  ")
    assert "equal length" in listed
    assert "secret" not in listed
    assert "a secret word" in say("letters", "show", job_id).stdout
    deployment.answers["table"] = lambda _: {"rows": []}
    assert say("letters", "rerun", job_id).stdout == f"{job_id.partition('.')[0]}\n"
    assert say("watch", job_id.partition(".")[0]).exit_code == 0
    assert say("letters", "list").stdout == ""
    assert say("letters", "purge", "--all").stdout == "0 purged\n"


def test_an_empty_id_purges_nothing(deployment: Deployment, say: Say, url: str) -> None:
    deployment.start()
    job_id = failed_job(url)
    purged = say("letters", "purge", "")
    assert (purged.exit_code != 0, "say which" in purged.stderr) == (True, True)
    assert say("letters", "list").stdout.startswith(job_id)


def test_a_rerun_prints_the_letters_that_go_with_it(deployment: Deployment, say: Say, url: str) -> None:
    deployment.start()
    steps = [{"id": name, "type": "table", "args": BAD, "on_failure": "skip"} for name in ("s1", "s2")]
    with Client(url) as client:
        goal_id = client.run({"steps": steps}, wait_s=30.0)["id"]
    taken_up = say("letters", "rerun", f"{goal_id}.s1.0")
    assert (taken_up.stdout, taken_up.stderr) == (f"{goal_id}\n", f"with it: {goal_id}.s2.0\n")


def test_the_old_name_of_rerun_does_the_same_and_says_the_new_one(deployment: Deployment, say: Say, url: str) -> None:
    deployment.start()
    job_id = failed_job(url)
    old = say("letters", "replay", job_id)
    assert (old.stdout, old.stderr) == (
        f"{job_id.partition('.')[0]}\n",
        "`letters replay` is called `letters rerun` now\n",
    )


def test_a_list_of_letters_says_that_there_may_be_more(deployment: Deployment, say: Say, url: str) -> None:
    deployment.start()
    jobs = [failed_job(url) for _ in range(2)]
    first = say("letters", "list", "--limit", "1")
    assert first.stdout.startswith(jobs[1])
    assert first.stderr == "the newest 1; there may be more, see --limit, --type, --cause and --tag\n"
    assert say("letters", "list", "--limit", "3").stderr == ""


def test_one_job_prints_its_output_or_why_it_has_none(deployment: Deployment, say: Say, tmp_path: Path) -> None:
    deployment.start()
    assert (
        say("job", "triage", "--input", "text=one", "--priority", "high").stdout
        == '{\n  "intent": "exchange_rate"\n}\n'
    )
    file = tmp_path / "columns.json"
    file.write_text(json.dumps(BAD))
    failed = say("job", "table", "--input", f"@{file}", "--tenant", "acme", "--key", "k-1")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr.startswith("failed: engine: the columns have")
    file.write_text("[]")
    assert "must hold a JSON object" in say("job", "table", "--input", f"@{file}").stderr


def test_a_job_that_is_not_done_in_time_says_so(deployment: Deployment, say: Say) -> None:
    deployment.start()
    say("pause", "triage")
    late = say("job", "triage", "--input", "text=one", "--deadline", "300", "--claim-within", "0.2")
    told = "expired: expired: it was not claimed in time; no live worker serves triage 2.0.0\n"
    assert (late.exit_code, late.stderr) == (1, told)


@pytest.mark.parametrize("option", ["--claim-within", "--queue-limit"])
@pytest.mark.parametrize("command", ["submit", "run"])
def test_a_goal_takes_its_limits_from_the_command(
    deployment: Deployment, say: Say, url: str, command: str, option: str
) -> None:
    deployment.start()
    deployment.answers["planner"] = lambda _: planned({"id": "s1", "type": "triage", "args": {"text": "x"}})
    done = say(command, "Sort", "--deadline", "30", option, "9", "--priority", "low", "--tenant", "acme", "--key", "k")
    assert done.exit_code == 0, done.output
    with Client(url) as client:
        (goal,) = client.recent()
        goal = client.wait(goal["id"], 30.0)
    assert goal["deadline_ms"] - goal["created_ms"] == 30_000
    assert (goal["priority"], goal["tenant"], goal["plan"]["limits"]["claim_within_s"]) == ("low", "acme", 9.0)


def test_a_goal_that_failed_is_run_again(deployment: Deployment, say: Say, url: str) -> None:
    deployment.start()
    goal_id = failed_job(url).partition(".")[0]
    deployment.answers["table"] = lambda _: {"rows": []}
    assert say("rerun", goal_id, "--step", "job").stdout == "running\n"
    assert say("watch", goal_id).exit_code == 0
    assert "no output is missing" in say("rerun", goal_id).stderr


def test_a_job_prints_its_output_and_with_top_the_likeliest_values_too(say: Say, deployment: Deployment) -> None:
    deployment.alternatives["triage"] = {"intent": (Alternative(value="exchange_rate", probability=0.7),)}
    deployment.start()
    words = ("job", "triage", "--input", "text=What is a euro worth?")
    plain, told, refused = say(*words), say(*words, "--top", "1"), say("job", "count", "--input", "x=y", "--top", "1")
    assert json.loads(plain.stdout) == {"intent": "exchange_rate"}
    alternatives = {"intent": [{"value": "exchange_rate", "probability": 0.7}]}
    assert json.loads(told.stdout) == {"output": {"intent": "exchange_rate"}, "alternatives": alternatives}
    assert refused.exit_code != 0
    assert "top: job type 'count' reads no answer off a model" in refused.output.replace("\n", " ")
