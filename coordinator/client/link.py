"""A link: the HTTP client for one address, through the proxy that the environment names for it. Sends nothing."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from coordinator.client.errors import ApiUnreachable
from coordinator.client.waits import STEP_S
from infra.loopback import is_loopback

_UNREADABLE = (ImportError, ValueError, httpx.InvalidURL)


@dataclass(frozen=True)
class Link:
    http: httpx.Client
    address: str  #: the address as messages show it
    proxy: str | None  #: the proxy as messages show it; None if none is used

    @property
    def where(self) -> str:
        return f"{self.address} by the proxy {self.proxy}" if self.proxy else self.address


def link_to(url: str, headers: Mapping[str, str]) -> Link:
    """`headers` go with every request.

    Raises ApiUnreachable if the address, or the proxy that the environment names for it, cannot be used.
    """
    address, proxy = without_user(url), None
    try:
        # `trust_env` would drop certificates together with proxies, and fail over a proxy that is for other addresses.
        verify, base = _certificates(url), _base(url)
        proxy = _proxy_of(url)
    except _UNREADABLE as error:
        raise _unusable(f"the address {address!r}", url, error) from error
    timeout = httpx.Timeout(10.0, read=STEP_S + 30.0)
    shown = without_user(proxy) if proxy else None
    try:
        http = httpx.Client(
            base_url=base, timeout=timeout, headers=headers, trust_env=False, verify=verify, proxy=proxy
        )
    except _UNREADABLE as error:
        raise _unusable(f"the proxy {shown}", proxy or "", error) from error
    return Link(http, address, shown)


def without_user(url: str) -> str:
    """The address without a user's name and password."""
    before, at, rest = url.rpartition("@")
    scheme, mark, _ = before.partition("://")
    return f"{scheme}{mark}{rest}" if at and mark else rest


def _base(url: str) -> httpx.URL:
    """The address as it is asked: few resolvers know a name of this machine with the dot that ends it."""
    base = httpx.URL(url)
    return base.copy_with(host=base.host.removesuffix(".")) if is_loopback(url) else base


def _certificates(url: str) -> ssl.SSLContext | bool:
    """Those that the environment names, or else those that are usual; none are needed without TLS on this machine.

    Raises ValueError."""
    if is_loopback(url) and urlsplit(url).scheme == "http":
        return False
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ValueError(f"the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from error


def _proxy_of(url: str) -> str | None:
    """The proxy that the environment names for the address; None if there is none, as for this machine. Raises
    ValueError."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):  # with the port, which NO_PROXY may name
        return None
    named = getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _unusable(what: str, url: str, error: Exception) -> ApiUnreachable:
    """Of an address with a password, httpx's own words may quote a part of it."""
    hidden = "@" in url and isinstance(error, httpx.InvalidURL)
    why = "write special characters of its user's name and password as %XX" if hidden else str(error)
    return ApiUnreachable(f"{what} cannot be used: {why}")
