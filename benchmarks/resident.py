"""One worker for everything that ships: what it has resident once it has loaded, and after rounds of mixed jobs.

    python -m benchmarks.resident [--jobs 50] [--rounds 3] [--without NAME …] [--out FILE]

Redis, the queue, the worker and the models are real. In a round the job types with a model take turns with a function,
each asked its own examples; all jobs of a round wait at once.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from itertools import cycle, islice
from pathlib import Path

from benchmarks.delivery.tables import Row, show
from benchmarks.engine.contenders import Jobs, child
from benchmarks.one_base import Asked, Side
from infra.ledger.redis.ledger import RedisLedger
from infra.process.redis_server import RedisServer
from infra.settings import Settings
from specialists.catalog import Catalog, load_catalog
from specialists.examples import EXAMPLES, Example, read_examples

MIB = 1 << 20
START_S = 180.0
#: What the kernel calls the figures, and what they are called here. Slots: keys and values. Mapped: pages of files.
FIGURES = {"VmRSS": "resident", "RssAnon": "own", "RssShmem": "slots", "RssFile": "mapped", "VmHWM": "peak"}
COUNTED = Example({"items": [{"intent": "a"}, {"intent": "b"}], "field": "intent"}, {})  #: for the function `count`


def main() -> None:
    parser = argparse.ArgumentParser(description="What one worker has resident that hosts everything that ships.")
    parser.add_argument("--jobs", type=int, default=50, help="jobs of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], help="job types that the worker does not host")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    catalog = load_catalog(Settings().specialists)
    names = [name for name in catalog.names() if name not in options.without]
    rows = measured(names, mixed(catalog, names), options.jobs, options.rounds)
    show(rows, f"One worker with {len(names)} job types; MiB.")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


def measured(names: Sequence[str], asked: Sequence[tuple[str, Example]], jobs: int, rounds: int) -> list[Row]:
    """The figures at the start and after each round. The jobs of a round are the next of `asked`, over and over."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        settings = Settings(redis_url=redis.url)
        given = {"MANYHANDS_REDIS_URL": redis.url, "MANYHANDS_LOG_LEVEL": "WARNING"}
        began = time.monotonic()
        process = stack.enter_context(child(["workers.app", *names], given))
        side = Side("one worker", [process.pid], stack.enter_context(closing(Jobs(settings))))
        await_worker(settings)
        rows = [{"after": "load", "seconds": round(time.monotonic() - began, 1), "answered": 0} | figures(process.pid)]
        turns = cycle(asked)
        for number in range(1, rounds + 1):
            seconds, outcomes = side.ask(Asked(f"round{number}", list(islice(turns, jobs))))
            answered = sum(each.output is not None for each in outcomes)
            row = {"after": f"{jobs * number} jobs", "seconds": round(seconds, 1), "answered": answered}
            rows.append(row | figures(process.pid))
        return rows


def mixed(catalog: Catalog, names: Sequence[str]) -> list[tuple[str, Example]]:
    """The examples of all, by turns, as many of each as there are of the shortest list but 20 at least."""
    examples = {name: read_examples(path) for name in names if (path := catalog.get(name).folder / EXAMPLES).exists()}
    examples |= {"count": [COUNTED]} if "count" in names else {}
    turns = {name: cycle(found) for name, found in examples.items()}
    most = max(20, min(map(len, examples.values()), default=0))
    return [(name, next(turn)) for _ in range(most) for name, turn in turns.items()]


def await_worker(settings: Settings) -> None:
    """Return when a worker says that it serves. It raises TimeoutError."""
    with closing(RedisLedger.of(settings)) as ledger:
        until = time.monotonic() + START_S
        while not ledger.workers():
            if time.monotonic() > until:
                raise TimeoutError(f"no worker within {START_S:g} s")
            time.sleep(0.2)


def figures(pid: int) -> Row:
    """What the kernel says of the process, in MiB."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {ours: round(int(lines[theirs].split()[0]) * 1024 / MIB) for theirs, ours in FIGURES.items()}


if __name__ == "__main__":
    main()
