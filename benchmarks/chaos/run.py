"""Nothing lost, nothing twice: goals are submitted while workers, coordinators and Redis are killed.

    python -m benchmarks.chaos [--jobs 20000] [--seed N] [--only PART] [--plant FAULT] [--self-check]

It ends with code 1 if a promise was broken. It judges by an audit that the harness itself puts into the ledger's
scripts, and by journals of the replies to workers; the table says how each violation is seen. With `--plant` a fault is
built in on purpose; `--self-check` does that with each fault, and ends with code 1 unless all are caught.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.chaos.cut import cut
from benchmarks.chaos.killing import PLANTED, Report, Round, play
from benchmarks.chaos.processes.scripts import PLANTS, gives_away
from benchmarks.chaos.real import REAL, play_real
from benchmarks.chaos.verdict.verdict import KINDS
from benchmarks.hosts import why_not

SHOWN = 5  #: how many violations of each kind are shown
ROUNDS = 6  #: a planted fault must be caught within this many rounds


def main() -> int:
    options = read_options()
    signal.signal(signal.SIGTERM, end)
    if options.self_check:
        return self_check(options.seed)
    parts = {options.only: PARTS[options.only]} if options.only else PARTS
    return max([part(options) for part in parts.values()])


def end(*_: object) -> None:
    """End the process so that its children end too, even if the signal comes twice, as `timeout` sends it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kills processes while jobs run, and looks whether all is well.")
    parser.add_argument("--jobs", type=int, default=20_000, help="of the part 'killing'")
    parser.add_argument("--real", type=int, default=REAL.jobs, help="jobs of the part 'real'")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of what is asked and struck")
    parser.add_argument("--seconds", type=float, default=10.0, help="that the killing lasts at least")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two kills")
    parser.add_argument("--only", choices=list(PARTS), help="one part, not all")
    parser.add_argument("--plant", choices=list(PLANTS), help="a fault to build in; must be caught")
    parser.add_argument("--self-check", action="store_true", help="plant each fault; fail unless all are caught")
    return parser.parse_args()


def killing(options: argparse.Namespace) -> int:
    game = PLANTED if options.plant else Round(options.jobs, options.seed, bound_s=120 + options.jobs / 10)
    game = replace(
        game, jobs=options.jobs, seed=options.seed, seconds=options.seconds, every_s=options.every, plant=options.plant
    )
    print(f"Killing: {game.jobs} jobs, seed {game.seed}, planted: {game.plant or 'nothing'}", flush=True)
    again = f"--only killing --jobs {game.jobs} --seconds {game.seconds:g} --every {game.every_s:g} --seed {game.seed}"
    again += f" --plant {game.plant}" if game.plant else ""
    return tell(lambda folder: play(folder, game), again)


def self_check(seed: int) -> int:
    missed = [plant for plant in PLANTS if not _is_caught(plant, seed)]
    return 1 if missed else 0


def _is_caught(plant: str, seed: int) -> bool:
    """Whether one of a few rounds catches the fault; a fault shows only if the blows hit the right moment."""
    for again in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            kinds = play(Path(folder), replace(PLANTED, seed=seed + again, plant=plant)).kinds()
        caught = gives_away(plant, kinds)
        print(f"planted {plant}, seed {seed + again}: {'caught' if caught else 'missed'}; {dict(kinds)}", flush=True)
        if caught:
            return True
    return False


def tell(part: Callable[[Path], Report], again: str) -> int:
    """Play the part and print its figures. Logs and journals are kept if anything was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    report = part(folder)
    for name, figure in report.figures.items():
        print(f"  {name:<32} {figure}")
    kinds = report.kinds()
    for kind, meaning in KINDS.items():
        print(f"  {kind:<8} {kinds[kind]:>5}   seen if {meaning}")
    if not report.violations:
        shutil.rmtree(folder)
        print("Nothing lost, nothing twice.\n", flush=True)
        return 0
    for kind in kinds:
        for violation in [each for each in report.violations if each.kind == kind][:SHOWN]:
            print(f"VIOLATION {kind}: {violation.about}")
    print(f"Logs and journals: {folder}. The same blows again: python -m benchmarks.chaos {again}\n", flush=True)
    return 1


def real(options: argparse.Namespace) -> int:
    game = replace(REAL, jobs=options.real, seed=options.seed)
    print(f"Killing, with a model: {game.jobs} jobs, seed {game.seed}", flush=True)
    return tell(lambda folder: play_real(folder, game), f"--only real --real {game.jobs} --seed {game.seed}")


def link(_: argparse.Namespace) -> int:
    if reason := why_not():
        print(f"Cutting a link: NOT RUN, {reason}\n", flush=True)
        return 0
    print("Cutting a link: one worker, in the middle of a job, for longer than its lease", flush=True)
    return tell(cut, "--only link")


PARTS: dict[str, Callable[[argparse.Namespace], int]] = {"killing": killing, "real": real, "link": link}
