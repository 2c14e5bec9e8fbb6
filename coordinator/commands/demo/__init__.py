"""`manyhands demo`: reaches a goal over an inbox, from start to end, in a house of its own. Knows no other house."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from coordinator.client import Client
from coordinator.commands.data_files import read_file
from coordinator.commands.views.following import follow
from coordinator.local.house import House, Ports
from coordinator.local.up import fetch_weights
from infra.settings import Settings

INBOX = Path(__file__).parent / "inbox.jsonl"
GOAL = "Triage every message and put the people, organisations and locations named in it beside it in a table"


def show_demo(settings: Settings, console: Console) -> bool:
    """Show the demo. True if the goal succeeded. It has its own ports and data, so it can run beside `manyhands up`."""
    fetch_weights(settings)
    settings = settings.model_copy(update={"keys": False, "api_host": "127.0.0.1"})  # nobody else is to reach it
    with (
        tempfile.TemporaryDirectory(prefix="manyhands-demo-") as data,
        House(settings, Ports.private(), Path(data), console.print) as house,
        Client(house.url) as client,
    ):
        console.print(f"API {house.url}/docs  Flower {house.flower_url}  (process {os.getpid()})")
        with console.status("The worker is loading its models"):
            house.await_workers()
        messages = read_file("messages", str(INBOX))
        console.print(Text(f"Goal: {GOAL}", style="bold"), f"({len(messages)} messages)")
        began = time.monotonic()
        goal = client.submit(GOAL, {"messages": messages}, confirm="never")  # nobody may be there to ask
        ended = follow(client, goal["id"], console)
        console.print(f"{time.monotonic() - began:.1f} s from goal to result")
        return bool(ended["state"] == "succeeded")
