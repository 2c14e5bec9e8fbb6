"""Addresses: the paths of the API, and whether a proxy stands before it. Sends nothing."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from coordinator.client.errors import refusal


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for the address, without its password; None if there is none."""
    parts = urlsplit(url)
    named = getproxies()
    if proxy_bypass(parts.hostname or ""):
        return None
    proxy = named.get(parts.scheme) or named.get("all")
    return proxy and proxy.rpartition("@")[2]


def path(collection: str, name: str, rest: str = "") -> str:
    """The path of one member of a collection. Raises ApiError if nothing can have the name."""
    if not name or "/" in name or not name.strip("."):
        raise refusal(f"{name[:200]!r} is no id or name of anything: give one as it was printed")
    return f"/v1/{collection}/{quote(name, safe='', errors='replace')}{rest}"


def query(**asked: str | None) -> httpx.QueryParams:
    return httpx.QueryParams({name: value for name, value in asked.items() if value is not None})
