"""The engine: jobs a second beside its peers, a step beside its floor, latency under load, and the gain of techniques.

    python -m benchmarks.engine [saturation|steps|latency|techniques]… [--workloads triage,command] [--data FOLDER]
        [--pairs 3] [--jobs N] [--slots 64] [--price-per-hour P] [--plots] [--out FILE.json]

Without a part, all parts run. On a machine with a CUDA device everything runs there, by the same command; that was not
tried yet.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.delivery.run import end, write
from benchmarks.delivery.tables import Row, show
from benchmarks.engine.latency import latency
from benchmarks.engine.options import Options
from benchmarks.engine.saturation import saturation
from benchmarks.engine.steps import steps
from benchmarks.engine.techniques import techniques
from workers.engines.precision import fastest
from workers.engines.transformers.decoder import best_device

PICTURES = Path("docs/pictures")
PARTS: dict[str, Callable[[Options], Iterator[tuple[str, Any]]]] = {
    "saturation": saturation,
    "steps": steps,
    "latency": latency,
    "techniques": techniques,
}
LIBRARIES = ("torch", "transformers", "llguidance", "xllamacpp", "celery", "redis")
CAPABILITIES = ("amx_bf16", "amx_int8", "avx512_bf16", "avx512_vnni", "avx512_f", "avx2")


def main() -> None:
    parts, options, out, plots = read_options()
    signal.signal(signal.SIGTERM, end)
    found: Row = {}
    for part in parts:
        found[part] = {"about": about(part, options)}
        for name, row in PARTS[part](options):
            found[part][name] = row
            if part == "saturation" and options.price_per_hour is not None:
                cost(name, row, options.price_per_hour)
            if out:
                write(found, out)
    if plots:
        from benchmarks.engine.plots import draw

        draw(found, PICTURES)


def read_options() -> tuple[list[str], Options, Path | None, bool]:
    parser = argparse.ArgumentParser(description="What the engine does, beside its peers and its floors.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; without any, all of them")
    parser.add_argument("--workloads", default=",".join(Options.workloads), help="specialists, by comma")
    parser.add_argument("--data", type=Path, help="a folder with <workload>/dev.jsonl.gz; default: their own examples")
    parser.add_argument("--jobs", type=int, help="of a round; default: by workload")
    parser.add_argument("--pairs", type=int, default=Options.pairs)
    parser.add_argument("--slots", type=int, default=Options.slots)
    parser.add_argument("--price-per-hour", type=float, help="of this machine: what 1,000 jobs cost is said too")
    parser.add_argument("--plots", action="store_true", help=f"draw engine-*.png into {PICTURES}")
    parser.add_argument("--out", type=Path, help="add the figures to this file of JSON")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part {unknown.pop()!r}; known: {', '.join(PARTS)}")
    workloads = tuple(given.workloads.split(","))
    jobs = dict.fromkeys(workloads, given.jobs) if given.jobs else None
    options = Options(workloads, jobs, given.pairs, given.slots, given.data, given.price_per_hour)
    return given.parts or list(PARTS), options, given.out, given.plots


def about(part: str, options: Options) -> Row:
    can, device = torch.cpu.get_capabilities(), best_device()
    found = {
        "part": part,
        "at": time.strftime("%Y-%m-%d %H:%M"),
        "processor": f"{can.get('cpu_name') or platform.machine()}, {os.cpu_count()} cores",
        "capabilities": [name for name in CAPABILITIES if can.get(name)],
        "device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device,
        "precision": str(fastest(device)),
        "load_before": os.getloadavg()[0],
        "versions": {name: version(name) for name in LIBRARIES},
        "slots": options.slots,
        "data": "development sets" if options.data else "the specialists' own examples",
    }
    print(f"\n## {part}\n\n{found}", flush=True)
    return found


def cost(name: str, found: Row, price_per_hour: float) -> None:
    """Add and show the price of 1,000 valid jobs for each contender."""
    for each in found["contenders"]:
        each["cost_of_1000"] = 1000 * price_per_hour / 3600 / each["jobs_per_s"] if each["jobs_per_s"] else None
    rows = [{"contender": each["contender"], "cost_of_1000": each["cost_of_1000"]} for each in found["contenders"]]
    show(rows, f"{name}, at {price_per_hour:g} an hour.")
