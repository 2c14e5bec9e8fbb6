"""Addresses: the paths of the API, and whether a proxy stands before it. Sends nothing."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from coordinator.client.errors import refusal

LOOPBACK_NETWORK = 127  #: the first byte of the addresses of this machine


def certificates(url: str) -> ssl.SSLContext | bool:
    """Those that the environment names, or else those that are usual; none are needed without TLS on this machine.

    Raises ValueError."""
    if is_loopback(url) and urlsplit(url).scheme == "http":
        return False
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ValueError(f"the certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from error


def is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return _is_loopback_in_short(host)
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified  # to connect to 0.0.0.0 is to connect to this machine


def _is_loopback_in_short(host: str) -> bool:
    """As `127.1`, which the system's resolver takes without asking anybody."""
    try:
        return socket.inet_aton(host)[0] == LOOPBACK_NETWORK
    except OSError:
        return False


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for the address, without its password; None if there is none."""
    parts = urlsplit(url)
    named = getproxies()
    if proxy_bypass(parts.netloc.rpartition("@")[2]):  # with the port, which NO_PROXY may name
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
