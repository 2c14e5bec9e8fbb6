"""Exits: ends a command or a process with an exit code and the reason, in lines for people. Knows no command."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

#: Something was refused, did not succeed or did not answer. The lines on standard error say why.
FAILED = 1
#: Redis refused the user name or the password. Starting again does not help.
REFUSED = 2


class Reason(Exception):
    """An error that ends a command. Its text is written for people."""

    @property
    def lines(self) -> list[str]:
        """One line for each fault."""
        return [str(self)]


@contextmanager
def reasons() -> Iterator[None]:
    """End with code 1 and the reason, one line for each fault, if something was refused or does not answer.

    End with code 2 if Redis refuses us: starting again does not help then.
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
