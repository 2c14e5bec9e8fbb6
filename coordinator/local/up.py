"""`manyhands up`: the house, until somebody stops it. Knows the terminal; the house does the rest."""

from __future__ import annotations

import signal
import subprocess
import sys
from threading import Event

from rich.console import Console

from coordinator.local.house import House, Ports, StartError
from infra.settings import Settings
from specialists.catalog import load_catalog

#: Between two looks at whether the worker serves.
LOOK_S = 0.5


def stay_up(settings: Settings, console: Console) -> None:
    """Return after SIGINT or SIGTERM, everything stopped. Raises StartError, CatalogError."""
    fetch_weights(settings)
    stop = stop_on_signals()
    with House(settings, Ports.choose(settings, console.print), settings.home / "up", console.print) as house:
        console.print(f"API       {house.url}/docs")
        console.print(f"Flower    {house.flower_url}")
        console.print(f"data      {house.data}")
        console.print("The worker is loading; `manyhands run` may be asked already. Ctrl-C stops everything.")
        while not (stop.wait(LOOK_S) or house.has_workers()):
            continue
        if not stop.is_set():
            house.refresh_flower()
            console.print("Ready.")
        stop.wait()
        console.print("Stopping.")


def stop_on_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def fetch_weights(settings: Settings) -> None:
    """Fetch and convert the base models of the catalog, in a process that ends: this one stays small."""
    catalog = load_catalog(settings.specialists, adapters=False)
    for base in sorted({each.manifest.base.name for each in catalog if each.manifest.base}):
        command = [sys.executable, "-c", "from infra.cli import main; main()", "weights", base]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603 - our own command
        if done.returncode:
            raise StartError(f"the weights of {base!r} could not be fetched; the reason is above")
