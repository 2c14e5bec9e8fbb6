"""`manyhands up`: runs the house until somebody stops it. Knows the terminal; the house does the rest."""

from __future__ import annotations

import signal
import subprocess
import sys
from threading import Event

from rich.console import Console

from coordinator.keys.listening import check_listening
from coordinator.local.house import House, Ports, StartError
from infra.settings import Settings
from specialists.catalog import load_catalog

#: The time between two looks whether the worker serves.
LOOK_S = 0.5


def stay_up(settings: Settings, console: Console) -> None:
    """Run the house until SIGINT or SIGTERM, then stop everything and return.

    Raises StartError, CatalogError, SettingError."""
    check_listening(settings)
    fetch_weights(settings)
    stop = stop_on_signals()
    with House(settings, Ports.choose(settings, console.print), settings.home / "up", console.print) as house:
        console.print(f"API       {house.url}/docs")
        console.print(f"Flower    {house.flower_url}")
        console.print(f"data      {house.data}")
        console.print("The worker is loading; `manyhands run` may be asked already. Ctrl-C stops everything.")
        _tell_when_ready(house, stop, console)
        console.print("Stopping.")


def _tell_when_ready(house: House, stop: Event, console: Console) -> None:
    """Say "Ready." when the worker serves, and again each time that it serves changed specialists, until `stop`."""
    ready, told = -1, False
    while not stop.wait(LOOK_S):
        if ready != house.renewals and house.is_ready():
            ready = house.renewals
            house.refresh_flower()
            console.print("Ready.")
        if house.worker_keeps_ending and not told:
            told = True
            console.print(f"The worker does not start; its log says why: {house.worker.log}")


def stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def fetch_weights(settings: Settings) -> None:
    """Fetch and convert the catalog's base models, in a process that ends, so that this one stays small."""
    catalog = load_catalog(settings.specialists, adapters=False)
    for base in sorted({each.manifest.base.name for each in catalog if each.manifest.base}):
        command = [sys.executable, "-c", "from infra.cli import main; main()", "weights", base]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - our own command
        if done.returncode:
            raise StartError(f"the weights of {base!r} could not be fetched; the reason is above")
