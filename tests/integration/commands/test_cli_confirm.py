"""What the commands do where a goal is unsure or refused: against an API on a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from coordinator.client import Client
from coordinator.commands.cli import register
from tests.support.answers import draft, planned, refused, unsure
from tests.support.deployment import Deployment

Say = Callable[..., Result]
ONE = {"id": "s1", "type": "triage", "args": {"text": "x"}}
GROUNDED = {"step": "s1", "argument": "text", "value": "x", "from": "the x"}


@pytest.fixture
def say(deployment: Deployment, url: str) -> Say:
    """Runs a command: `say("confirm", ID)`; `answers` are what somebody types."""
    plans = (draft(ONE, words="sorts x", grounded=[GROUNDED]), draft({**ONE, "id": "s2"}, words="sorts x twice"))
    deployment.answers |= {"planner": lambda _: unsure(*plans), "triage": lambda _: {"intent": "exchange_rate"}}
    deployment.start()
    app = typer.Typer()
    register(app)

    def say(*words: str, answers: str = "") -> Result:
        return CliRunner().invoke(app, [*words, "--url", url], input=answers)

    return say


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there."""
    monkeypatch.setattr("coordinator.commands.choice.sits_there", lambda _: True)
    monkeypatch.setattr("coordinator.commands.choice.Console", lambda: Console(width=120, no_color=True))


def unsure_goal(say: Say, client: Client) -> str:
    goal_id = say("submit", "Sort").stdout.strip()
    assert client.wait(goal_id, 30.0)["state"] == "unsure"
    return goal_id


def test_without_a_terminal_the_plans_are_printed_and_the_command_ends_with_3(say: Say) -> None:
    result = say("run", "Sort")
    assert result.exit_code == 3, result.output
    shown = result.stdout.splitlines()
    assert shown[-4:] == [
        "unsure: two job types fit",
        "1  sorts x (0.90)",
        '    s1 text = "x", from "the x"',
        "2  sorts x twice (0.90)",
    ]
    assert result.stderr.startswith("to go on: manyhands confirm ")


def test_a_plan_is_confirmed_by_its_number(say: Say, client: Client) -> None:
    first, second = unsure_goal(say, client), unsure_goal(say, client)
    assert say("confirm", first).stdout == "running\n"
    assert say("confirm", second, "2").stdout == "running\n"
    assert say("watch", second).exit_code == 0
    assert [client.wait(each, 30.0)["words"] for each in (first, second)] == ["sorts x", "sorts x twice"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("confirm", "{goal}", "3"), "choice: the goal has no plan 3; it has 2"),
        (("confirm", "{goal}", "4"), "Input should be less than or equal to 3"),
        (("confirm", "nothing"), "no goal 'nothing'"),
        (("rerun", "{goal}"), "confirm one, or cancel it"),
        (("run", "Sort", "--confirm", "perhaps"), "body.confirm: Input should be 'if_unsure'"),
    ],
)
def test_what_cannot_be_confirmed_is_said_in_a_line(
    say: Say, client: Client, words: tuple[str, ...], sentence: str
) -> None:
    goal_id = unsure_goal(say, client)
    result = say(*(word.format(goal=goal_id) for word in words))
    assert (result.exit_code, sentence in result.stderr) == (1, True), result.output


def test_a_goal_that_is_not_unsure_is_not_confirmed(say: Say, client: Client) -> None:
    goal_id = unsure_goal(say, client)
    assert say("cancel", goal_id).stdout == "cancelled\n"
    result = say("confirm", goal_id)
    assert (result.exit_code, "the goal is cancelled: it waits for no confirmation" in result.stderr) == (1, True)


@pytest.mark.parametrize("command", ["submit", "run"])
def test_whoever_never_confirms_is_not_asked(say: Say, client: Client, command: str) -> None:
    assert say(command, "Sort", "--confirm", "never").exit_code == 0
    (goal,) = client.recent()
    assert client.wait(goal["id"], 30.0)["state"] == "succeeded"


def test_whoever_always_confirms_is_asked_about_a_sure_plan(deployment: Deployment, say: Say) -> None:
    deployment.answers["planner"] = lambda _: planned(ONE)
    result = say("run", "Sort", "--confirm", "always")
    assert result.exit_code == 3
    assert "this is to be confirmed before it runs" in result.stdout


def test_on_a_terminal_the_plan_that_is_chosen_runs_to_its_end(say: Say, client: Client, terminal: None) -> None:
    result = say("run", "Sort", answers="what\n7\n2\n")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("Which plan is to run: 1, 2, or n for none?") == 3
    assert '"intent": "exchange_rate"' in result.stdout
    (goal,) = client.recent()
    assert (goal["state"], goal["words"]) == ("succeeded", "sorts x twice")


def test_on_a_terminal_a_no_ends_the_goal(say: Say, client: Client, terminal: None) -> None:
    result = say("run", "Sort", answers="n\n")
    assert result.exit_code == 1
    assert result.stdout.endswith("cancelled\n")
    assert client.recent()[0]["state"] == "cancelled"


def test_on_a_terminal_that_is_closed_the_goal_waits_on(say: Say, client: Client, terminal: None) -> None:
    assert say("run", "Sort").exit_code == 3
    assert client.recent()[0]["state"] == "unsure"


def test_a_choice_that_somebody_else_made_first_is_followed(
    say: Say, client: Client, terminal: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_first(_: str) -> str:
        client.confirm(client.recent()[0]["id"], 1)
        return "2"

    monkeypatch.setattr("builtins.input", other_first)
    assert say("run", "Sort").exit_code == 0
    assert client.recent()[0]["words"] == "sorts x"


def test_watching_a_goal_that_was_confirmed_shows_all_of_it(say: Say, client: Client) -> None:
    goal_id = unsure_goal(say, client)
    client.confirm(goal_id, 2)
    result = say("watch", goal_id)
    assert result.exit_code == 0
    assert "sorts x twice (0.90)" in result.stdout
    assert "unsure" not in result.stdout


def test_a_refused_goal_is_told_with_its_reason_and_ends_with_4(deployment: Deployment, say: Say) -> None:
    deployment.answers["planner"] = lambda _: refused("nothing here translates; nearest: triage")
    result = say("run", "Translate")
    assert result.exit_code == 4
    assert result.stdout.endswith("refused: nothing here translates; nearest: triage\n")
