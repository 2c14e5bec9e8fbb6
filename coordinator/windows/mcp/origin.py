"""Origins: which web pages may reach `/mcp`, as the MCP specification asks against DNS rebinding. Knows no route."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from coordinator.keys.listening import is_this_machine
from infra.settings import Settings


def origin_fault(headers: Headers, settings: Settings) -> str | None:
    """Why the request may come from a page that has no right to the API; None if it does not.

    A page that has this machine's address under its own name says that name in `Host`, and itself in `Origin`.
    """
    is_local = is_this_machine(settings.api_host)
    named = {_host_of(each) for each in settings.cors_origins}
    host = _host_of(f"//{headers.get('host', '')}")
    if is_local and not (_is_here(host) or host in named):
        return "header Host: is no name of this machine, where the API listens"
    origin = headers.get("origin")
    if origin is None or origin in settings.cors_origins or (is_local and _is_here(_host_of(origin))):
        return None
    return "header Origin: this page may not use the API; name it in MANYHANDS_CORS_ORIGINS"


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _is_here(host: str | None) -> bool:
    return host is not None and is_this_machine(host)
