"""Old names: warns callers of the client who use a name that has changed. Knows no method of the client."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from infra.field_names import current_name


def warn_of(names: Iterable[str]) -> None:
    """Warn the caller of a client's method that it uses old names."""
    for name in names:
        warnings.warn(f"{name!r} is called {current_name(name)!r} now", DeprecationWarning, stacklevel=3)
