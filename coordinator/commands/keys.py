"""The commands about keys and quotas. They ask Redis itself, as the first key cannot be asked of the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from coordinator.exits import Reason, reasons

if TYPE_CHECKING:
    from infra.access import ApiKey, Scope
    from infra.ledger.redis.ledger import RedisLedger

keys = typer.Typer(help="Keys of the API, and quotas of tenants. They ask Redis itself.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")]
Bound = Annotated[str | None, typer.Option(metavar="NUMBER", help="A whole number, or none for no bound.")]


@keys.command()
def create(
    tenant: Annotated[str, typer.Option(help="The tenant whose key it is.")],
    scope: Annotated[str, typer.Option(help="One or more of submit, read and admin, with commas between them.")],
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="When it ends, such as 30d or 12h. Default: never.")
    ] = None,
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
) -> None:
    """Make a key and print its secret, which is shown only this once."""
    from coordinator.keys.keyring import Keyring

    with _ledger() as ledger:
        lifetime_s = None if expires is None else _seconds("--expires", expires)
        _show(*Keyring(ledger).create(tenant, _scopes(scope), name, lifetime_s))


@keys.command(name="list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only keys of this tenant.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Show keys that have ended too.")] = False,
) -> None:
    """List the keys, without their secrets."""
    from coordinator.commands.views.keys import key_line
    from coordinator.keys.keyring import Keyring

    with _ledger() as ledger:
        found = Keyring(ledger).all(tenant)
    for kept in found:
        if ended or kept.left_s is None or kept.left_s > 0:
            typer.echo(key_line(kept))


@keys.command()
def revoke(key_id: KeyId) -> None:
    """End a key. The API refuses it after 5 seconds at the latest."""
    from coordinator.keys.keyring import Keyring

    with _ledger() as ledger:
        Keyring(ledger).revoke(key_id)
    typer.echo(f"{key_id} revoked", err=True)


@keys.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        str,
        typer.Option(metavar="DURATION", help="How long the old key is still good, such as 1h; 0s: not at all."),
    ] = "1h",
) -> None:
    """Make a key like another one, print its secret, and have the other one end."""
    from coordinator.keys.keyring import Keyring

    with _ledger() as ledger:
        _show(*Keyring(ledger).rotate(key_id, _seconds("--overlap", overlap)))
    typer.echo(f"{key_id} ends in {overlap}, if not before", err=True)


@keys.command()
def quota(
    tenant: Annotated[str, typer.Argument(help="The tenant.")],
    jobs_a_minute: Bound = None,
    jobs_a_day: Bound = None,
    tokens_a_minute: Bound = None,
    tokens_a_day: Bound = None,
    running: Bound = None,
) -> None:
    """Set bounds for a tenant, and print all that it has. A bound that is not named stays as it is."""
    from infra.access import Quota

    asked = {
        "jobs_a_minute": jobs_a_minute,
        "jobs_a_day": jobs_a_day,
        "tokens_a_minute": tokens_a_minute,
        "tokens_a_day": tokens_a_day,
        "running": running,
    }
    with _ledger() as ledger:
        changes = {name: _bound(name, text) for name, text in asked.items() if text is not None}
        bounds = (ledger.quota(tenant) or Quota()).model_copy(update=changes)
        if changes:
            _check_tenant(tenant)
            ledger.set_quota(tenant, bounds)
    for field, bound in bounds:
        typer.echo(f"{field.replace('_', ' ')}: {'no bound' if bound is None else bound}")


@keys.command()
def quotas() -> None:
    """List the tenants that have bounds, with these."""
    from coordinator.commands.views.keys import quota_line

    with _ledger() as ledger:
        for tenant, quota in ledger.quotas().items():
            typer.echo(quota_line(tenant, quota))


class GivenFault(Reason):
    """An option cannot be what it is."""


@contextmanager
def _ledger() -> Iterator[RedisLedger]:
    from infra.ledger.protocol import LedgerRefused, LedgerUnavailable
    from infra.ledger.redis.ledger import RedisLedger
    from infra.settings import Settings

    with reasons():
        ledger = RedisLedger.of(Settings())
        try:
            yield ledger
        except LedgerRefused:
            raise
        except LedgerUnavailable as error:
            raise Reason(f"{error}; MANYHANDS_REDIS_URL says where it is") from error
        finally:
            ledger.close()


def _show(key: ApiKey, secret: str) -> None:
    """Print the secret alone on standard output, so that a script can take it."""
    ends = "" if key.lifetime_s is None else f", for {key.lifetime_s:g} s"
    typer.echo(f"key {key.id} of tenant {key.tenant}: {', '.join(key.scopes)}{ends}; it is shown only now:", err=True)
    typer.echo(secret)


def _scopes(text: str) -> list[Scope]:
    from infra.access import Scope

    named = [word.strip() for word in text.split(",") if word.strip()]
    if unknown := [word for word in named if word not in set(Scope)]:
        raise GivenFault(f"--scope: there is no scope {unknown[0][:40]!r}; scopes are {', '.join(Scope)}")
    return [Scope(word) for word in named]


def _seconds(option: str, text: str) -> int:
    from coordinator.keys.durations import seconds_of

    try:
        return seconds_of(text)
    except ValueError as error:
        raise GivenFault(f"{option}: {error}") from None


def _bound(name: str, text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal() or int(text) == 0:
        raise GivenFault(f"--{name.replace('_', '-')}: must be a whole number above 0, or none; is {text[:40]!r}")
    return int(text)


def _check_tenant(name: str) -> None:
    from infra.settings import TENANT

    if not TENANT.fullmatch(name):
        raise GivenFault(f"{name[:80]!r} is no tenant's name: 1 to 64 letters, digits, '.', '_' and '-'")
