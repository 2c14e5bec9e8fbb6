"""Loopback: which addresses are this machine's own. Asks no resolver and sends nothing."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

#: Names that resolvers, or the usual /etc/hosts, keep for this machine.
NAMES = frozenset({"localhost", "localhost.localdomain", "localhost6", "ip6-localhost", "ip6-loopback"})


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's, so that no proxy can stand before it. Raises ValueError."""
    host = (urlsplit(url).hostname or "").removesuffix(".")
    if host in NAMES or host.endswith(".localhost"):
        return True
    address = _address(host)
    if address is None:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified  # to connect to 0.0.0.0 is to connect to this machine


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return _short_address(host)


def _short_address(host: str) -> IPv4Address | None:
    """Of a short form as `127.1`, which the system's resolver takes without asking anybody."""
    try:
        return IPv4Address(socket.inet_aton(host)) if host else None
    except OSError:
        return None
