"""The options and arguments that several commands share, and their values for the client. Knows no command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from coordinator.client import Saved
    from coordinator.client.lists import Filters
    from coordinator.commands.result_files import ResultFile
    from infra.records import Json

Url = Annotated[
    str | None, typer.Option(help="The address of the API. Default: that of this machine, from the settings.")
]
Tenant = Annotated[
    str | None,
    typer.Option(help="The tenant that asks; tenants share the workers by weight. Default: that of MANYHANDS_API_KEY."),
]
Key = Annotated[
    str | None, typer.Option(help="A name for this request. Sent again under the same name, it is not done again.")
]
Urgency = Annotated[str, typer.Option(help="One of high, normal and low.")]
ConfirmWhen = Annotated[
    str, typer.Option("--confirm", help="When a plan waits to be confirmed: if_unsure, always or never.")
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="WORD", help="A word to find it by; it may be given several times.")
]
OfTags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="WORD", help="Only what has this tag; of several, each.")
]
OfType = Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only what has jobs of this job type.")]
OfTenant = Annotated[str | None, typer.Option("--tenant", help="Only what is this tenant's. Default: all tenants.")]
Shown = Annotated[int, typer.Option("--limit", min=1, help="How many are shown.")]
Deadline = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="The time from accepted to ended. Default: that of the deployment."),
]
#: `--queue-limit` is the old name of `--claim-within`.
ClaimWithin = Annotated[
    float | None,
    typer.Option(
        "--claim-within",
        "--queue-limit",
        metavar="SECONDS",
        help="a job expires unless a worker claims it within this time; default: its type's",
    ),
]
TopValues = Annotated[
    int | None,
    typer.Option("--top", metavar="COUNT", help="Also print so many values of each label with their probabilities."),
]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", metavar="FILE", help="A plan as JSON, as `status GOAL --plan` prints it.")
]
SavedName = Annotated[
    str | None, typer.Option("--saved", metavar="NAME", help="The name of a plan that `plans save` has kept.")
]
SomeWords = Annotated[str | None, typer.Argument(metavar="[GOAL]", help="The goal in words.")]
GoalWords = Annotated[str, typer.Argument(metavar="GOAL", help="The goal in words.")]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        help="name=text, name:=JSON, name=@FILE (.jsonl, .json, .csv, .tsv, .parquet, each also .gz), @FILE#COLUMN, "
        "@lines:FILE, @text:FILE",
    ),
]
JobInput = Annotated[
    list[str] | None, typer.Option("--input", help="name=text or name=@value.json; or @input.json for the whole input.")
]
Out = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Write the result to a file that ends in .csv, .tsv, .jsonl, .json or .parquet; FILE#s2 writes one list.",
    ),
]
GoalId = Annotated[str, typer.Argument(help="The goal's id.")]
JobType = Annotated[str, typer.Argument(help="The job type.")]


def asked_of(goal: str | None, plan: Path | None, saved: str | None) -> str | Json | Saved:
    """The goal as the client takes it: words, a plan, or a saved plan's name. Raises GivenError."""
    from coordinator.client import Saved
    from coordinator.commands.data_forms import GivenError
    from coordinator.commands.inputs import read_plan_file

    if [goal, plan, saved].count(None) != 2:
        raise GivenError("say one: a goal in words, --plan FILE or --saved NAME")
    if saved is not None:
        return Saved(saved)
    return read_plan_file(plan) if plan is not None else goal or ""


def limits_of(deadline_s: float | None, claim_within_s: float | None) -> Json:
    """The limits that are given."""
    said = {"deadline_s": deadline_s, "claim_within_s": claim_within_s}
    return {name: value for name, value in said.items() if value is not None}


def filters_of(tags: list[str] | None, job_type: str | None, tenant: str | None) -> Filters:
    """The filters of a list that are given, as the client takes them."""
    filters: Filters = {}
    if tags:
        filters["tags"] = tags
    if job_type is not None:
        filters["job_type"] = job_type
    if tenant is not None:
        filters["tenant"] = tenant
    return filters


def out_of(given: str | None) -> ResultFile | None:
    """The file for the result. Raises GivenError."""
    from coordinator.commands.result_files import result_file

    return None if given is None else result_file(given)
