"""Job types that come by folder while the system runs: how soon goals are planned over them, and how often right.

    python -m benchmarks.planning.new_types [--types 20] [--out FILE.json]

A real house (Redis, API, coordinator, worker) starts with the shipped job types and one more. Then the folders of
catalogs that nothing was trained on are copied beside that one. Nothing is restarted and nothing trained; one worker
more serves them. Each catalog's goals are sent over HTTP, and their plans, or those that the goal is unsure of,
compared with the right ones.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from coordinator.client import Client
from coordinator.local.house import House, Ports
from infra.settings import Settings
from specialists.schemas import Json
from specialists.training.planning.sets.sets import Asked, load_set
from specialists.training.planning.writing.writing import FOLDER, read_rows

WAIT_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    first, *new = _folders()
    new = new[: given.types]
    with tempfile.TemporaryDirectory() as scratch, _house(Path(scratch), first) as (house, types):
        began = time.monotonic()
        for each in new:
            _write(types, each)
        with Client(house.url) as client, _worker(house, types, [each["name"] for each in new]):
            seen_s = _until_known(client, [each["name"] for each in new], began)
            _until_served(client)
            goals = [each for each in load_set("test") if _uses(each) <= {each["name"] for each in new}]
            told = Counter(_outcome(client, each) for each in goals)
    figures = {"types": len(new), "seen_s": round(seen_s, 2), "goals": len(goals), **dict(sorted(told.items()))}
    print(json.dumps(figures, indent=2))
    if given.out:
        given.out.write_text(json.dumps(figures, indent=2) + "\n")


def _folders() -> list[Json]:
    return list(read_rows(FOLDER / "test" / "catalogs.jsonl.gz", lambda row: row))


def _write(types: Path, row: Json) -> None:
    (types / row["name"]).mkdir(parents=True)
    for name, text in row["files"].items():
        (types / row["name"] / name).write_text(text)


def _uses(asked: Asked) -> set[str]:
    """The job types of the first right plan that do not ship; for an impossible goal, a name that no catalog has."""
    shipped = {offer["name"] for offer in asked.offers if (FOLDER.parent.parent / offer["name"]).is_dir()}
    return {step["type"] for step in asked.plans[0]} - shipped if asked.plans else {""}


@contextmanager
def _house(scratch: Path, first: Json) -> Iterator[tuple[House, Path]]:
    types = scratch / "types"
    _write(types, first)
    os.environ["MANYHANDS_SPECIALISTS"] = json.dumps([str(types)])  # the house's processes read it
    house = House(
        Settings(), Ports.private(), scratch / "house", lambda told: print(told, file=sys.stderr), flower=False
    )
    try:
        house.start()
        house.await_workers()
        yield house, types
    finally:
        house.stop()


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


@contextmanager
def _worker(house: House, types: Path, names: Sequence[str]) -> Iterator[None]:
    command = [str(Path(sys.executable).with_name("manyhands")), "worker", "--broker", house.redis_url, *names]
    process = subprocess.Popen(command, env=os.environ | {"MANYHANDS_SPECIALISTS": json.dumps([str(types)])})
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _until_known(client: Client, names: Sequence[str], began: float) -> float:
    """The seconds until the API lists all of them."""
    while {each["name"] for each in client.job_types()} < set(names):
        if time.monotonic() - began > WAIT_S:
            raise SystemExit(f"after {WAIT_S:g} s the API knows {[each['name'] for each in client.job_types()]}")
        time.sleep(0.05)
    return time.monotonic() - began


def _until_served(client: Client) -> None:
    """Wait until the second worker serves them."""
    began = time.monotonic()
    while len(client.workers()["workers"]) < 2:
        if time.monotonic() - began > WAIT_S:
            raise SystemExit(f"after {WAIT_S:g} s no worker serves them")
        time.sleep(0.2)


def _outcome(client: Client, asked: Asked) -> str:
    goal = client.wait(client.submit(asked.goal, asked.inputs)["id"], WAIT_S)
    if goal["state"] == "refused":
        return "refused"
    if goal["state"] == "unsure":
        right = [asked.is_right(plan["steps"]) for plan in goal["plans"]]
        return (
            "asked, the first is right"
            if right[0]
            else "asked, another is right"
            if any(right)
            else "asked, none right"
        )
    if goal["plan"] is None or goal["state"] != "succeeded":
        return f"ended {goal['state']}"
    return "run and right" if asked.is_right(goal["plan"]["steps"]) else "run and wrong"


if __name__ == "__main__":
    main()
