"""Reasons: what stops a command or a process of the coordinator, in lines for people. Knows none of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def reasons() -> Iterator[None]:
    """End with 1 and the reason, one line a fault, where something was refused or does not answer."""
    from pydantic import ValidationError

    from coordinator.children import StartError
    from coordinator.client import ApiError, ApiUnreachable
    from coordinator.given import GivenError
    from infra.settings import SettingError, Settings, setting_faults
    from specialists.catalog import CatalogError

    try:
        yield
    except ApiError as error:
        _end([error.title, *(f"- {fault}" for fault in error.errors)])
    except (ApiUnreachable, GivenError, CatalogError, SettingError, StartError) as error:
        _end([str(error)])
    except ValidationError as error:
        if error.title != Settings.__name__:
            raise
        _end(setting_faults(error))


def _end(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - the logs may not be set up yet
    raise SystemExit(1)
