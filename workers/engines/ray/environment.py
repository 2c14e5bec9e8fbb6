"""The environment that Ray's processes get: ours without its passwords. Knows no Ray."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not _is_secret(name.upper(), value)}


@contextmanager
def secrets_hidden() -> Iterator[None]:
    """Processes that start in this context do not inherit the secrets."""
    kept = without_secrets(os.environ)
    hidden = {name: value for name, value in os.environ.items() if name not in kept}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _is_secret(name: str, value: str) -> bool:
    if not name.startswith("MANYHANDS_"):
        return False
    if name == "MANYHANDS_REDIS_URL":
        return urlsplit(value).password is not None
    return "PASSWORD" in name or name.endswith("_AUTH")
