"""What the commands about plans do and print: kept, shown, edited, run again, explained; an API on a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from coordinator.client import Client
from coordinator.commands.cli import register
from tests.support.answers import draft, planned, refused, unsure
from tests.support.deployment import Deployment

Say = Callable[..., Result]
Json = dict[str, Any]
SORT = {
    "id": "s1",
    "type": "triage",
    "map": {"over": {"$ref": "inputs.messages"}, "as": "item"},
    "args": {"text": {"$ref": "item"}},
}
KEEP = {
    "id": "s2",
    "type": "filter",
    "args": {"items": {"$ref": "s1"}, "field": "intent", "equals": "exchange_rate"},
}
GROUNDED = {"step": "s2", "argument": "equals", "value": "exchange_rate", "from": "the rate"}


@pytest.fixture
def say(deployment: Deployment, url: str) -> Say:
    """Runs a command: `say("plans", "show", NAME)`."""
    deployment.answers |= {
        "planner": lambda _: planned(SORT, KEEP),
        "triage": lambda job: {"intent": "exchange_rate" if "rate" in job["text"] else "lost_or_stolen_card"},
    }
    deployment.start()
    app = typer.Typer()
    register(app)

    def say(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--url", url])

    return say


@pytest.fixture
def inbox(tmp_path: Path) -> str:
    """What `--input` is told."""
    path = tmp_path / "inbox.jsonl"
    path.write_text('"what is the rate"\n"my card is lost"\n')
    return f"messages=@{path}"


def reached(say: Say, url: str, inbox: str) -> str:
    """The id of a goal in words that has ended."""
    goal_id = say("submit", "Keep those about the rate", "--input", inbox).stdout.strip()
    with Client(url) as client:
        assert client.wait(goal_id, 30.0)["state"] == "succeeded"
    return goal_id


def test_a_goals_plan_is_saved_listed_shown_edited_run_and_deleted(
    say: Say, url: str, inbox: str, tmp_path: Path
) -> None:
    goal_id = reached(say, url, inbox)
    saved = say("plans", "save", "rates", "--from", goal_id)
    assert saved.stdout == "rates  triage for each, then filter\n    messages: array of string\n", saved.output

    shown = json.loads(say("plans", "show", "rates").stdout)
    shown["plan"]["steps"][1]["args"]["equals"] = {"$ref": "inputs.intent"}
    shown["inputs"]["intent"] = {"type": "string", "default": "exchange_rate"}
    file = tmp_path / "rates.json"
    file.write_text(json.dumps(shown))
    assert say("plans", "save", "rates", "--plan", str(file)).exit_code == 0
    assert say("plans").stdout.splitlines()[1:] == [
        "    messages: array of string",
        '    intent: string, "exchange_rate" where it is left out',
    ]

    ran = say("run", "--saved", "rates", "--input", inbox, "--input", "intent=lost_or_stolen_card")
    assert ran.exit_code == 0, ran.output
    assert "kept 1" in ran.stdout
    assert say("plans", "delete", "rates").exit_code == 0
    assert say("plans").stdout == ""


def test_a_plan_is_printed_edited_and_run_again(say: Say, url: str, inbox: str, tmp_path: Path) -> None:
    goal_id = reached(say, url, inbox)
    printed = say("status", goal_id, "--plan")
    assert json.loads(printed.stdout) == {
        "steps": [{**SORT, "on_failure": "leave_out"}, KEEP],
        "result": {"$ref": "s2"},
    }

    file = tmp_path / "plan.json"
    file.write_text(printed.stdout.replace("exchange_rate", "lost_or_stolen_card"))
    ran = say("run", "--plan", str(file), "--input", inbox)
    assert ran.exit_code == 0, ran.output
    assert "lost_or_stolen_card" in ran.stdout.partition("Result")[2]
    assert say("plans", "save", "lost", "--plan", str(file)).stderr.splitlines() == [
        "Not accepted",
        "- inputs.messages: the plan refers to it; say its JSON Schema",
    ]


def test_of_an_unsure_goal_the_first_plan_is_printed_and_of_a_refused_one_none(
    deployment: Deployment, say: Say, url: str
) -> None:
    deployment.answers["planner"] = lambda _: unsure(draft(SORT), draft(SORT, KEEP))
    with Client(url) as client:
        goal = client.run("Sort", {"messages": ["one"]}, 30.0)
        assert json.loads(say("status", goal["id"], "--plan").stdout) == {
            "steps": [{**SORT, "on_failure": "leave_out"}]
        }
        deployment.answers["planner"] = lambda _: refused()
        goal = client.run("Translate", {"messages": ["one"]}, 30.0)
    result = say("status", goal["id"], "--plan")
    assert (result.exit_code, result.stderr) == (1, f"goal {goal['id']} is refused and has no plan\n")


def test_inputs_that_do_not_fill_the_holes_are_said_in_lines(say: Say, url: str, inbox: str) -> None:
    say("plans", "save", "rates", "--from", reached(say, url, inbox))
    result = say("run", "--saved", "rates", "--input", "messages=one", "--input", "n:=3")
    assert (result.exit_code, result.stderr.splitlines()) == (
        1,
        [
            "Not accepted",
            "- inputs: the saved plan takes no 'n'; known: messages",
            "- inputs.messages: must be array, is string",
        ],
    )


def test_a_goal_by_a_saved_plan_is_listed_under_its_name(say: Say, url: str, inbox: str) -> None:
    say("plans", "save", "rates", "--from", reached(say, url, inbox))
    assert say("submit", "--saved", "rates", "--input", inbox).exit_code == 0
    assert "(the plan rates)" in say("status").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("run",), "say one: a goal in words, --plan FILE or --saved NAME"),
        (("submit", "Sort", "--saved", "rates"), "say one: a goal in words"),
        (("run", "--saved", "rates"), "saved: no saved plan 'rates' of tenant 'default'"),
        (("run", "--plan", "none.json"), "--plan: none.json cannot be read"),
        (("plans", "save", "rates"), "say which: --from GOAL or --plan FILE"),
        (("plans", "save", "rates", "--from", "nothing"), "run: no goal 'nothing'"),
        (("plans", "save", "my rates", "--from", "nothing"), "run: no goal 'nothing'"),
        (("plans", "show", "rates"), "no saved plan 'rates' of this tenant"),
        (("plans", "delete", "rates", "--tenant", "acme"), "no saved plan 'rates' of this tenant"),
        (("plans", "show", ""), "'' is no id or name"),
        (("explain", "nothing"), "no goal 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(say: Say, words: tuple[str, ...], sentence: str) -> None:
    result = say(*words)
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.output


def test_a_tenant_that_would_not_count_is_refused(say: Say) -> None:
    result = say("plans", "--tenant", "acme", "delete", "rates")
    assert (result.exit_code, "behind the command" in result.stderr) == (2, True)


def test_a_file_that_is_neither_a_plan_nor_what_show_prints_is_not_saved(say: Say, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"plan": {"steps": []}, "input": {}}')
    result = say("plans", "save", "rates", "--plan", str(tmp_path / "plan.json"))
    assert (result.exit_code, "is neither a plan, with 'steps', nor what `plans show` prints" in result.stderr) == (
        1,
        True,
    )


def test_a_refused_goal_is_explained_with_the_nearest_job_types(deployment: Deployment, say: Say, url: str) -> None:
    deployment.answers["planner"] = lambda _: refused("nothing on offer does this; nearest: triage", nearest=["triage"])
    with Client(url) as client:
        goal = client.run("Translate", {"messages": ["one"]}, 30.0)
    assert goal["explanation"] == {
        "why": "nothing on offer does this; nearest: triage",
        "missing": [],
        "nearest": ["triage"],
    }
    first, second, third = say("explain", goal["id"]).stdout.splitlines()
    assert (first, second) == ("refused: nothing on offer does this; nearest: triage", "nearest job types:")
    assert third.startswith("  triage takes text: ")


def test_an_unsure_goal_is_explained_with_its_plans(deployment: Deployment, say: Say, url: str) -> None:
    plans = draft(SORT, words="sorts", confidence=0.5), draft(SORT, KEEP, confidence=0.4, grounded=[GROUNDED])
    deployment.answers["planner"] = lambda _: unsure(*plans, reason="it may be kept or not")
    with Client(url) as client:
        goal = client.run("Sort", {"messages": ["one"]}, 30.0)
    assert goal["explanation"] == {"why": "it may be kept or not", "missing": [], "nearest": []}
    assert say("explain", goal["id"]).stdout.splitlines() == [
        "unsure: it may be kept or not",
        "1  sorts (0.50)",
        "    s1 triage for each of inputs.messages: text=item",
        "2  the plan (0.40)",
        "    s1 triage for each of inputs.messages: text=item",
        '    s2 filter: items=s1, field="intent", equals="exchange_rate"',
        '    s2 equals = "exchange_rate", from "the rate"',
    ]


def test_a_goal_with_a_plan_is_explained_by_whose_it_is(say: Say, url: str, inbox: str) -> None:
    goal_id = reached(say, url, inbox)
    assert say("explain", goal_id).stdout.splitlines()[0] == "succeeded: the plan is the planner's"
