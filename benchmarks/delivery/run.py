"""What delivery costs and keeps to: against raw Celery, at submit, with the size of a map, between tenants, overloaded,
and with connections that come and go.

    python -m benchmarks.delivery [cost|submit|map|fair|overload|retention|waiters]… [--plots] [--out FILE.json]

Without a part, all parts run. The processes are real and on this machine: Redis with its append-only file,
coordinators, workers, the API. It prints a table for each part; `--out` adds their figures to a file, and `--plots`
draws them into docs/pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.delivery.cost import cost
from benchmarks.delivery.fair import fair
from benchmarks.delivery.map import growing_map
from benchmarks.delivery.overload import overload
from benchmarks.delivery.retention import retention
from benchmarks.delivery.submit import submit
from benchmarks.delivery.tables import Row
from benchmarks.delivery.waiters import waiters

PICTURES = Path("docs/pictures")
PARTS: dict[str, Callable[[], Row]] = {
    "cost": cost,
    "submit": submit,
    "map": growing_map,
    "fair": fair,
    "overload": overload,
    "retention": retention,
    "waiters": waiters,
}


def main() -> None:
    options = read_options()
    signal.signal(signal.SIGTERM, end)
    found: Row = {}
    for name in options.parts or PARTS:
        found[name] = measured(name)
    if options.out:
        write(found, options.out)
    if options.plots:
        from benchmarks.delivery.plots import draw

        draw(found, PICTURES)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What delivery costs and keeps to.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; without any, all of them")
    parser.add_argument("--plots", action="store_true", help=f"draw delivery-*.png into {PICTURES}")
    parser.add_argument("--out", type=Path, help="add the figures to this file of JSON")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {unknown.pop()!r}; known: {', '.join(PARTS)}")
    return options


def end(*_: object) -> None:
    """End the process so that its children end too, even if the signal comes twice, as `timeout` sends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def measured(part: str) -> Row:
    about = {"cores": os.cpu_count(), "at": time.strftime("%Y-%m-%d %H:%M"), "load_before": os.getloadavg()[0]}
    command = shlex.join(["python", "-m", "benchmarks.delivery", part])
    print(
        f"\n## {part}\n\n{about['cores']} cores, {about['at']}, load {about['load_before']:.2f}; `{command}`",
        flush=True,
    )
    started = time.monotonic()
    found = PARTS[part]()
    seconds = round(time.monotonic() - started)
    print(f"\n{part}: {seconds} s", flush=True)
    return {"about": {**about, "command": command, "seconds": seconds}, **found}


def write(found: Row, file: Path) -> None:
    """Write the measured parts beside those that the file already has, one line for each part."""
    known = json.loads(file.read_text()) if file.exists() else {}
    lines = [f"{json.dumps(part)}: {json.dumps(figures)}" for part, figures in {**known, **found}.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{" + ",\n".join(lines) + "}\n")
    print(f"\nwritten to {file}")
