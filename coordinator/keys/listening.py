"""Where the API may listen: elsewhere than on this machine only with keys, or where somebody said so. Opens nothing."""

from __future__ import annotations

from ipaddress import ip_address

from infra.settings import SettingError, Settings


def check_listening(settings: Settings) -> None:
    """Raises SettingError where everybody on a network could do everything."""
    if settings.keys or settings.open or is_this_machine(settings.api_host):
        return
    raise SettingError(
        f"MANYHANDS_API_HOST: on {settings.api_host} everybody who reaches the API could do everything. Set "
        "MANYHANDS_KEYS=true and make keys with `manyhands keys create`, or set MANYHANDS_OPEN=true if something else "
        "guards it"
    )


def is_this_machine(host: str) -> bool:
    """Whether only this machine reaches what listens there. 0.0.0.0 and :: are reached from everywhere."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
