"""How long planning alone takes: seconds for a goal in words, by the number of job types on offer.

    python -m benchmarks.planning.latency [--types 8,64,256] [--goals 40] [--adapter FILE] [--out FILE.json]

It runs the real planner in this process, as `manyhands.planners` registers it; there is no queue and no run. The
planner is warm: it has planned other goals over the same job types before, so that it has read those, and each goal is
new to it. `kept` is the same goal over the same job types and inputs once more, which a kept answer answers.

It uses all cores, or MANYHANDS_THREADS. More threads than free cores make it many times slower, because threads of one
product spin while they wait for each other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.delivery.tables import Row, percentile, show
from benchmarks.planning.catalogs import shipped
from coordinator.plans.planner_input import planner_input
from infra.settings import Settings
from specialists.catalog import SHIPPED, Catalog
from specialists.offers import PLANNER, offers
from specialists.planning.offers.offer import FUNCTIONS
from specialists.specialist import Specialist, load_specialist
from specialists.training.planning.sets.readers import planner_of

Json = dict[str, Any]
Planner = Callable[[Json], Json]
SIZES = (8, 64, 256)
CPU = Path("/proc/cpuinfo")

MAILS = ["My card was stolen in Rome, please block it.", "When does the new card arrive?", "What is the rate for USD?"]
LOGS = ["ERROR disk full on node 7 after 34 ms", "WARN retry 3 of 5 for job 81", "INFO user ann logged in"]
RECEIPTS = ["CAFE ROMA 12.05.2026 2 x espresso TOTAL 7,40", "HARDWARE LTD 03.06.2026 screws TOTAL 41,00"]
TICKETS = [
    {"title": "Crash on save", "body": "The editor crashes when I save.", "minutes": 35, "team": "desktop"},
    {"title": "Dark mode", "body": "Please add a dark theme.", "minutes": 5, "team": "web"},
]
ORDERS = [
    {"no": 81, "city": "Berlin", "amount": 120.5, "paid": True, "day": "2026-01-12"},
    {"no": 82, "city": "Porto", "amount": 18.0, "paid": False, "day": "2026-03-02"},
]
INPUTS: dict[str, Json] = {
    "mails": {"mails": MAILS},
    "logs": {"lines": LOGS},
    "receipts": {"receipts": RECEIPTS},
    "tickets": {"tickets": TICKETS},
    "orders": {"orders": ORDERS},
    "note": {"note": "Ann Lee of Acme asked for 40 seats in Lisbon by 2026-05-01."},
    "both": {"mails": MAILS, "tickets": TICKETS},
}
GOALS = (
    ("Sort my mails by what they are about", "mails"),
    ("What do the customers want, and how many of each?", "mails"),
    ("Show me only the mails of people who lost their card", "mails"),
    ("Which mails are not about exchange rates?", "mails"),
    ("Find all names and places in these messages", "mails"),
    ("For each mail give its topic beside the companies that it names", "mails"),
    ("Keep the mails about a stolen card and pull out the places in them", "mails"),
    ("List the different topics once", "mails"),
    ("Group the messages by intent", "mails"),
    ("How often is each city mentioned?", "mails"),
    ("Which of these lines are errors?", "logs"),
    ("Parse the log and count the templates", "logs"),
    ("Give me the components in these log lines", "logs"),
    ("Find out how many lines there are of each kind, without the informational ones", "logs"),
    ("Read the receipts", "receipts"),
    ("What did we spend in total?", "receipts"),
    ("Which receipt is the most expensive?", "receipts"),
    ("Put the receipts in order of their totals, largest first", "receipts"),
    ("List the shops that we bought from, each once", "receipts"),
    ("Only receipts over 20 euros, please", "receipts"),
    ("What is each ticket: a bug, a question or a wish?", "tickets"),
    ("How many bugs are there?", "tickets"),
    ("Read the bodies of the tickets and show me the bugs alone", "tickets"),
    ("How many minutes did we spend on average?", "tickets"),
    ("The ticket that took the longest", "tickets"),
    ("Minutes by team, for tickets that took at least 10", "tickets"),
    ("Classify the tickets and group them by kind", "tickets"),
    ("Add up all orders", "orders"),
    ("Which orders are unpaid?", "orders"),
    ("Orders from Berlin above 100", "orders"),
    ("How many orders are there of each city?", "orders"),
    ("The three largest orders since 2026-01-31", "orders"),
    ("Sort the orders by day, newest first", "orders"),
    ("Which cities do we deliver to?", "orders"),
    ("Who and what is named in this note?", "note"),
    ("What does the writer of this note want?", "note"),
    ("Turn the note into a command for the assistant", "note"),
    ("Topics of the mails, and the kind of each ticket", "both"),
    ("Translate everything into Icelandic", "both"),
    ("Book me a flight to Lisbon", "both"),
)
WARM = (
    ("Tell me what these people are asking about", "mails"),
    ("Make a table of it all", "receipts"),
    ("Count them by team", "tickets"),
    ("Keep those above 50 that were paid before 2026-02-01", "orders"),
    ("Read the lines and tell me the worst", "logs"),
)
#: The subjects of copied job types: names and descriptions are new, schemas are those of shipped types.
FIELDS = (
    "hotel",
    "clinic",
    "bakery",
    "airline",
    "court",
    "museum",
    "farm",
    "harbour",
    "studio",
    "school",
    "bank",
    "club",
)
THINGS = (
    "letter",
    "booking",
    "complaint",
    "review",
    "invoice",
    "diary",
    "contract",
    "notice",
    "survey",
    "report",
    "call",
)
DOES = (
    *("Tells which desk of a {field} a {thing} is for", "Reads the facts out of a {thing} of a {field}"),
    *("Rates how urgent a {thing} to a {field} is", "Finds who is named in the {thing} of a {field}"),
)


def main() -> None:
    given = read_options()
    planner = load(given.adapter)
    rows = [measure(planner, size, GOALS[: given.goals]) for size in given.types]
    about = machine()
    show(
        rows,
        f"Seconds of one goal, planning alone, {given.goals} goals; {about['processor']}, threads {about['threads']}, "
        f"load {about['load']:.1f}.",
    )
    if given.out:
        given.out.write_text(json.dumps({"machine": about, "rows": rows}, indent=2) + "\n")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How long planning takes by itself.")
    parser.add_argument("--types", type=_sizes, default=SIZES, help="job types on offer, by comma")
    parser.add_argument("--goals", type=int, default=len(GOALS), help=f"up to {len(GOALS)}")
    parser.add_argument("--adapter", type=Path, help="default: the installed one")
    parser.add_argument("--out", type=Path, help="write the figures to this file of JSON")
    given = parser.parse_args()
    if not 0 < given.goals <= len(GOALS):
        parser.error(f"--goals: 1 to {len(GOALS)}")
    return given


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def load(adapter: Path | None = None) -> Planner:
    """Load the planner through its entry point, as code does that may not import model hosts. `adapter`: used in place
    of the installed one.
    """
    settings = Settings()
    if adapter:
        specialist = load_specialist(SHIPPED / PLANNER, adapters=False)
        return planner_of(specialist, settings.weights, adapter, [], settings.threads, print).plan
    (found,) = entry_points(group="manyhands.planners", name=PLANNER)
    planner: Planner = found.load()(load_specialist(SHIPPED / PLANNER), settings)
    return planner


def measure(planner: Planner, size: int, goals: Sequence[tuple[str, str]]) -> Row:
    catalog = catalog_of(size)
    for goal, inputs in WARM:
        timed(planner, goal, inputs, catalog)
    first = [timed(planner, *goal, catalog) for goal in goals]
    again = [timed(planner, *goal, catalog) for goal in goals]
    said = [answer for _, answer in first]
    took, kept = [seconds for seconds, _ in first], [1000 * seconds for seconds, _ in again]
    return {
        "types": size,
        "p50_s": percentile(took, 50),
        "p95_s": percentile(took, 95),
        "slowest_s": max(took),
        "kept_p50_ms": percentile(kept, 50),
        "kept_p95_ms": percentile(kept, 95),
        **{answer: said.count(answer) for answer in ("plan", "unsure", "refused")},
    }


def timed(planner: Planner, goal: str, inputs: str, catalog: Catalog) -> tuple[float, str]:
    """Plan a goal; return the seconds and the kind of answer."""
    asked = planner_input(goal, INPUTS[inputs], catalog)
    started = time.perf_counter()
    output = planner(asked)
    return time.perf_counter() - started, output["answer"]


def catalog_of(size: int) -> Catalog:
    """The functions, and `size` job types that are chosen by their meaning: the shipped ones first, then copies."""
    names = {offer["name"] for offer in offers(shipped())}
    own = [each for each in shipped() if each.name in names - FUNCTIONS]
    types = own[:size] + copies(own, size - len(own))
    return Catalog([*(each for each in shipped() if each.name in FUNCTIONS), *types])


def copies(own: Sequence[Specialist], count: int) -> list[Specialist]:
    """Job types with names and descriptions of their own, each with the schemas of a shipped one."""
    made: list[Specialist] = []
    for number, (does, thing, field) in enumerate(product(DOES, THINGS, FIELDS)):
        if len(made) >= count:
            return made
        source = own[number % len(own)]
        words = {"name": f"{field}_{thing}_{number}", "description": does.format(field=field, thing=thing) + "."}
        made.append(replace(source, folder=Path("made-up"), manifest=source.manifest.model_copy(update=words)))
    return made


def machine() -> Row:
    models = [line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")]
    name = models[0] if models else platform.machine()
    return {
        "processor": f"{name}, {os.cpu_count()} cores",
        "threads": Settings().threads or os.cpu_count(),
        "load": os.getloadavg()[0],
        "at": time.strftime("%Y-%m-%d %H:%M"),
    }


def _cpu_lines() -> list[str]:
    return CPU.read_text().splitlines() if CPU.exists() else []


if __name__ == "__main__":
    main()
