"""`manyhands replay`: whether a stored job gives its output again. Knows ledger and engines; compares nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import ValidationError

from infra.ledger.protocol import LedgerRefused, LedgerUnavailable
from infra.records import JobStatus
from infra.settings import SettingError, Settings, setting_faults
from specialists.bases.weights import WeightsError
from specialists.catalog import CatalogError, UnknownJobType, load_catalog
from specialists.examples import ExamplesError
from workers.engines import EngineError
from workers.engines.load import load_engines
from workers.measuring.replaying import Replay, ReplayError, Stored, check_digest, neighbours, replay, stored

DIFFERS = 1  #: The output was not the same each time.
CANNOT = 2  #: The job cannot be done again here.

_FAULTS = (
    ReplayError, SettingError, CatalogError, UnknownJobType, ExamplesError, EngineError, WeightsError,
    LedgerRefused, LedgerUnavailable, OSError,
)  # fmt: skip


def register_replay(app: typer.Typer) -> None:
    app.command(name="replay")(_replay)


def _replay(
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="The id of a job that has an output.")],
    times: Annotated[int, typer.Option(min=1, help="How often the job is done.")] = 1,
    beside: Annotated[
        int, typer.Option(min=0, help="How many of the specialist's examples are in the same batch.")
    ] = 0,
    anyway: Annotated[bool, typer.Option("--anyway", help="Do it even if the specialist has changed since.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Do a job again in this process, and say whether its output is the same.

    Nothing is stored and no goal goes on. To do a dead letter after all, use `manyhands letters rerun`. The command
    ends with 0 if the output is the same each time, with 1 if it differs, and with 2 if the job cannot be done again.
    """
    try:
        settings = Settings()
        found = _replayed(stored(job_id, _status(job_id, settings)), settings, times, beside, anyway)
    except ValidationError as error:
        _fail("; ".join(setting_faults(error)))
    except _FAULTS as error:
        _fail(str(error))
    if as_json:
        typer.echo(json.dumps({"same": found.same} | asdict(found), ensure_ascii=False))
    else:
        _print(found)
    raise typer.Exit(0 if found.same else DIFFERS)


def _status(job_id: str, settings: Settings) -> JobStatus | None:
    from infra.ledger.redis.ledger import RedisLedger

    ledger = RedisLedger.of(settings)
    try:
        return ledger.job(job_id)
    except ValidationError as error:
        raise ReplayError(f"job {job_id!r} does not read here: another version of the product wrote it") from error
    finally:
        ledger.close()


def _replayed(job: Stored, settings: Settings, times: int, beside: int, anyway: bool) -> Replay:
    specialist = load_catalog(settings.specialists).get(job.job.type)
    if not anyway:
        check_digest(job, specialist)
    if beside >= settings.slots:
        raise ReplayError(f"--beside {beside} needs {beside + 1} slots; MANYHANDS_SLOTS is {settings.slots}")
    others = neighbours(specialist, job.job.input, beside)
    # The job is done where it was done before, even if the settings name another place.
    there = settings.model_copy(update={"engine": "ray" if job.made_by.engine == "ray" else None})
    engine = load_engines([specialist], there)[specialist.name]
    try:
        return replay(job, specialist, engine, times, others)
    finally:
        engine.close()


def _print(found: Replay) -> None:
    verdict = "same" if found.same else "differs"
    often = f"{found.times} of {found.times}" if found.same else f"{found.differing} of {found.times}"
    company = f", beside {found.beside} others" if found.beside else ""
    typer.echo(f"{verdict}: {found.job_id} by {found.specialist} on {found.engine}, {often} times{company}")
    for line in [*found.difference, *found.changes]:
        typer.echo(line)


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(CANNOT)
