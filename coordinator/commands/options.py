"""What several commands take, and how it becomes what the client sends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from coordinator.client import Saved
    from infra.records import Json

Url = Annotated[str | None, typer.Option(help="of the API; default: this machine's, from the settings")]
Tenant = Annotated[str, typer.Option(help="who asks: tenants share the workers by weight")]
Key = Annotated[str | None, typer.Option(help="a name for this request: handed in again, it is not done again")]
Urgency = Annotated[str, typer.Option(help="high, normal or low")]
ConfirmWhen = Annotated[
    str, typer.Option("--confirm", help="if_unsure, always or never: when a plan is to be confirmed before it runs")
]
Deadline = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="from accepted to ended; default: the deployment's")
]
#: `--queue-limit` is its old name.
ClaimWithin = Annotated[
    float | None,
    typer.Option(
        "--claim-within",
        "--queue-limit",
        metavar="SECONDS",
        help="a job expires unless a worker claims it within this time; default: its type's",
    ),
]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="a plan as JSON, as `status GOAL --plan` prints one")
]
SavedName = Annotated[str | None, typer.Option("--saved", metavar="NAME", help="a plan that `plans save` has kept")]
SomeWords = Annotated[str | None, typer.Argument(metavar="[GOAL]", help="what to reach, in words")]
GoalWords = Annotated[str, typer.Argument(metavar="GOAL", help="what to reach, in words")]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input", help="name=text, name:=JSON, name=@FILE (.jsonl, .json, .csv, .tsv), @lines:FILE, @text:FILE"
    ),
]
JobInput = Annotated[
    list[str] | None, typer.Option("--input", help="name=text, name=@value.json; or @input.json, the whole of it")
]
GoalId = Annotated[str, typer.Argument(help="the goal's id")]
JobType = Annotated[str, typer.Argument(help="the job type")]


def asked_of(goal: str | None, plan: Path | None, saved: str | None) -> str | Json | Saved:
    """Words, a plan, or the name of one, as the client takes it. Raises GivenError."""
    from coordinator.client import Saved
    from coordinator.commands.data_files import GivenError
    from coordinator.commands.inputs import read_plan_file

    if [goal, plan, saved].count(None) != 2:
        raise GivenError("say one: a goal in words, --plan FILE or --saved NAME")
    if saved is not None:
        return Saved(saved)
    return read_plan_file(plan) if plan is not None else goal or ""


def limits_of(deadline_s: float | None, claim_within_s: float | None) -> Json:
    """Those that are said."""
    said = {"deadline_s": deadline_s, "claim_within_s": claim_within_s}
    return {name: value for name, value in said.items() if value is not None}
