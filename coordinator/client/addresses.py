"""Addresses: the paths of the API's nouns, and what follows them. Sends nothing."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from coordinator.client.errors import refusal


def path(collection: str, name: str, rest: str = "") -> str:
    """The path of one member of a collection. Raises ApiError if nothing can have the name."""
    if not name or "/" in name or not name.strip("."):
        raise refusal(f"{name[:200]!r} is no id or name of anything: give one as it was printed")
    return f"/v1/{collection}/{quote(name, safe='', errors='replace')}{rest}"


def query(**asked: str | None) -> httpx.QueryParams:
    return httpx.QueryParams({name: value for name, value in asked.items() if value is not None})
