"""Exits: how a command or a process of the coordinator ends where something stops it, in lines for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

#: Something was refused, did not succeed or did not answer. The lines on standard error say why.
FAILED = 1
#: Redis refused the user name or the password. Starting again does not help.
REFUSED = 2


class Reason(Exception):
    """What stops a command: its words are for people."""

    @property
    def lines(self) -> list[str]:
        """One a fault."""
        return [str(self)]


@contextmanager
def reasons() -> Iterator[None]:
    """End with 1 and the reason, one line a fault, where something was refused or does not answer.

    With 2 where Redis refuses us: starting anew does not help.
    """
    from pydantic import ValidationError

    from infra.ledger.protocol import LedgerRefused
    from infra.settings import SettingError, Settings, setting_faults
    from specialists.catalog import CatalogError

    try:
        yield
    except Reason as error:
        _end(error.lines)
    except (CatalogError, SettingError) as error:
        _end([str(error)])
    except LedgerRefused as error:
        advice = "check the key (MANYHANDS_REDIS_PASSWORD_FILE) and the user name in MANYHANDS_REDIS_URL"
        _end([f"error: {error}; {advice}"], REFUSED)
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        _end(setting_faults(error))


def _end(lines: Iterable[str], code: int = FAILED) -> None:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - the logs may not be set up yet
    raise SystemExit(code)
