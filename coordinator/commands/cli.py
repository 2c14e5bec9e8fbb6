"""The commands that run the product and ask it. Heavy imports stand inside the commands, so that others start fast."""

from __future__ import annotations

import json
import math
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from coordinator.commands.choice import follow_to_exit
from coordinator.commands.client import client_of
from coordinator.commands.keys import keys
from coordinator.commands.letters import letters
from coordinator.commands.options import (
    ClaimWithin,
    ConfirmWhen,
    Deadline,
    GoalId,
    Inputs,
    JobInput,
    JobType,
    Key,
    OfTags,
    OfTenant,
    OfType,
    Out,
    PlanFile,
    SavedName,
    Shown,
    SomeWords,
    Tags,
    Tenant,
    TopValues,
    Urgency,
    Url,
    asked_of,
    filters_of,
    limits_of,
    out_of,
)
from coordinator.commands.plans import plans
from coordinator.commands.rehearsal import register as register_rehearsal
from coordinator.exits import reasons

if TYPE_CHECKING:
    from infra.records import Json


def register(app: typer.Typer) -> None:
    of_goals = (run, submit, status, explain, watch, confirm, cancel, rerun)
    for command in (up, demo, *of_goals, job, jobs, pause, drain, resume, api, coordinator):
        app.command()(command)
    register_rehearsal(app)
    app.add_typer(keys, name="keys")
    app.add_typer(letters, name="letters")
    app.add_typer(plans, name="plans")


def up() -> None:
    """Run everything on this machine: Redis, API, coordinator, one worker with every specialist, Flower."""
    from coordinator.local.up import stay_up
    from infra.settings import Settings

    with reasons():
        stay_up(Settings(), Console())


def demo() -> None:
    """Start a whole system of its own, reach a goal over an inbox, show what happens, and stop."""
    from coordinator.commands.demo import show_demo
    from infra.settings import Settings

    with reasons():
        succeeded = show_demo(Settings(), Console())
    raise typer.Exit(0 if succeeded else 1)


def run(
    goal: SomeWords = None,
    plan: PlanFile = None,
    saved: SavedName = None,
    given: Inputs = None,
    deadline: Deadline = None,
    claim_within: ClaimWithin = None,
    priority: Urgency = "normal",
    confirm: ConfirmWhen = "if_unsure",
    tags: Tags = None,
    out: Out = None,
    key: Key = None,
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Reach a goal, in words or by a plan, and show its plan, its progress and its result.

    On a terminal the command asks which plan is meant where that is not clear. It ends with 1 and the reasons if the
    goal failed, with 3 if nobody could be asked, and with 4 if the goal was refused.
    """
    with client_of(url, tenant) as client:
        file = out_of(out)
        asked, limits = asked_of(goal, plan, saved), limits_of(deadline, claim_within)
        accepted = client.submit(
            asked, _read(given), limits, priority=priority, confirm=confirm, tags=tags or (), key=key
        )
        follow_to_exit(client, accepted["id"], file)


def submit(
    goal: SomeWords = None,
    plan: PlanFile = None,
    saved: SavedName = None,
    given: Inputs = None,
    deadline: Deadline = None,
    claim_within: ClaimWithin = None,
    priority: Urgency = "normal",
    confirm: ConfirmWhen = "if_unsure",
    tags: Tags = None,
    key: Key = None,
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Send a goal and print its id."""
    with client_of(url, tenant) as client:
        asked, limits = asked_of(goal, plan, saved), limits_of(deadline, claim_within)
        typer.echo(
            client.submit(asked, _read(given), limits, priority=priority, confirm=confirm, tags=tags or (), key=key)[
                "id"
            ]
        )


def job(
    job_type: JobType,
    given: JobInput = None,
    top: TopValues = None,
    deadline: Deadline = None,
    claim_within: ClaimWithin = None,
    priority: Urgency = "normal",
    tags: Tags = None,
    key: Key = None,
    tenant: Tenant = None,
    url: Url = None,
) -> None:
    """Do one typed job and print its output as JSON. The command ends with 1 and the reason if there is no output.

    With `--top 3` it prints an object with the `output`, and under `alternatives` three values of each label.
    """
    from coordinator.commands.inputs import read_job_input
    from coordinator.commands.views.jobs import job_cut, job_failure, job_fallback

    with client_of(url, tenant) as client:
        limits = limits_of(deadline, claim_within)
        job_input = read_job_input(given or [])
        ended = client.job(
            job_type, job_input, math.inf, priority=priority, tags=tags or (), key=key, top=top, **limits
        )
    if ended["output"] is None:
        typer.echo(job_failure(ended), err=True)
        raise typer.Exit(1)
    for sentence in filter(None, (job_cut(ended), job_fallback(ended))):
        typer.echo(sentence, err=True)
    shown = ended["output"] if top is None else {name: ended[name] for name in ("output", "alternatives")}
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


def status(
    goal_id: Annotated[str | None, typer.Argument(help="The goal's id. Default: the newest goals.")] = None,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Show only the plan, as `run --plan` takes it; of an unsure goal, the first plan."),
    ] = False,
    state: Annotated[str | None, typer.Option(help="Only goals in this state, such as failed or unsure.")] = None,
    tags: OfTags = None,
    job_type: OfType = None,
    tenant: OfTenant = None,
    limit: Shown = 50,
    url: Url = None,
) -> None:
    """Show a goal as JSON, or a table of the newest goals, or of those of a state, a tag, a job type and a tenant."""
    from coordinator.commands.views.lists import goals_table
    from coordinator.commands.views.plans import plan_of

    filters = filters_of(tags, job_type, tenant)
    if plan and goal_id is None:
        raise typer.BadParameter("--plan is of one goal: say which")
    if goal_id is not None and (state is not None or filters):
        raise typer.BadParameter("--state, --tag, --type and --tenant are of the table: leave the goal's id out")
    with client_of(url) as client:
        if goal_id is not None:
            goal = client.get(goal_id)
            Console().print_json(data=plan_of(goal) if plan else goal)
        else:
            Console().print(goals_table(islice(client.list_goals(state, **filters), limit)))


def jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state, such as running or failed.")] = None,
    tags: OfTags = None,
    job_type: OfType = None,
    tenant: OfTenant = None,
    limit: Shown = 50,
    url: Url = None,
) -> None:
    """Show a table of jobs, those of the newest goals first."""
    from coordinator.commands.views.lists import jobs_table

    with client_of(url) as client:
        found = client.list_jobs(state, **filters_of(tags, job_type, tenant))
        Console().print(jobs_table(islice(found, limit)))


def explain(goal_id: GoalId, url: Url = None) -> None:
    """Say why a goal is unsure or was refused.

    The command shows what is missing, the nearest job types, and the plans that were considered, with their confidence
    and the words that their values were found from. For any other goal it says where the plan came from.
    """
    from coordinator.commands.views.explanation import explanation_lines

    with client_of(url) as client:
        typer.echo("\n".join(explanation_lines(client.get(goal_id), client.job_types())))


def watch(goal_id: GoalId, out: Out = None, url: Url = None) -> None:
    """Follow a goal from its start to its end, and show its result. The command asks and ends as `run` does."""
    with client_of(url) as client:
        follow_to_exit(client, goal_id, out_of(out))


def confirm(
    goal_id: GoalId,
    choice: Annotated[int, typer.Argument(help="The number of one of its plans.")] = 1,
    url: Url = None,
) -> None:
    """Let an unsure goal go on with one of its plans, and print its state."""
    with client_of(url) as client:
        typer.echo(client.confirm(goal_id, choice)["state"])


def cancel(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id of a goal or of a job.")], url: Url = None
) -> None:
    """End a goal and its jobs, or one job."""
    with client_of(url) as client:
        ended = client.cancel_job(name) if "." in name else client.cancel(name)  # a job's id has dots
        typer.echo(ended["state"])


def rerun(
    goal_id: GoalId,
    step: Annotated[str | None, typer.Option(help="Run again from this step on. Default: from what failed.")] = None,
    url: Url = None,
) -> None:
    """Run an ended goal again, and print its state."""
    with client_of(url) as client:
        typer.echo(client.rerun(goal_id, step)["state"])


def pause(job_type: JobType, url: Url = None) -> None:
    """Keep jobs of a type waiting. They are taken in, and are not done until `resume`. Jobs that run already end."""
    _set_state(job_type, "paused", url)


def drain(job_type: JobType, url: Url = None) -> None:
    """Take in no more jobs of a type, and do those that wait."""
    _set_state(job_type, "draining", url)


def resume(job_type: JobType, url: Url = None) -> None:
    """Take in and do jobs of a type again."""
    _set_state(job_type, "open", url)


def api() -> None:
    """Run the HTTP API in the foreground."""
    from coordinator.api.app import main

    with reasons():
        main()


def coordinator() -> None:
    """Run a coordinator in the foreground. Any number of coordinators may run."""
    from coordinator.app import main

    with reasons():
        main()


def _set_state(job_type: str, state: str, url: str | None) -> None:
    with client_of(url) as client:
        typer.echo(f"{job_type}: {client.set_state(job_type, state)['state']}")


def _read(given: list[str] | None) -> Json:
    from coordinator.commands.inputs import read_inputs

    return read_inputs(given or [])
