"""The versions of the libraries that compute. Knows no engine."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version


@cache
def build_of(*packages: str) -> str:
    """The versions of installed packages: "transformers 5.23.0, torch 2.13.0"."""
    return ", ".join(f"{package} {version(package)}" for package in packages)
