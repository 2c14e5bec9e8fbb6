"""All specialists in one worker on one base, compared with one worker for each: memory, and jobs per second.

    python -m benchmarks.one_base [--data FOLDER] [--jobs 16] [--rounds 3] [--out FILE]

Redis, the queue, the workers and the models are real. Each round has `--jobs` jobs of each specialist, from
FOLDER/<name>/dev.jsonl.gz or its own examples; all wait at once, with the types by turns. The two sides take turns, and
the other side is idle meanwhile. Each worker has its share of the cores. Memory is the most that a side's processes had
resident, summed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from benchmarks.delivery.tables import show
from benchmarks.engine.contenders import ROUND_S, Jobs, child, peak_bytes
from infra.process.redis_server import RedisServer
from infra.records import Job, Outcome
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import EXAMPLES, Example, read_examples
from specialists.measuring.metrics import score
from specialists.measuring.report import Hosting
from specialists.specialist import Specialist

MIB = 1 << 20
WARM = 2  #: jobs of each type before the first round


@dataclass(frozen=True)
class Asked:
    """A round: examples of every type, by turns."""

    label: str
    examples: Sequence[tuple[str, Example]]

    def jobs(self) -> list[Job]:
        return [
            Job(
                id=Job.name(self.label, "s1", n),
                type=job_type,
                input=each.input,
                run_id=self.label,
                step_id="s1",
                index=n,
                timeout_s=ROUND_S,
                attempts=1,
            )
            for n, (job_type, each) in enumerate(self.examples)
        ]


@dataclass
class Side:
    name: str
    pids: Sequence[int]
    jobs: Jobs
    ready_s: float = 0.0  #: from the start of its processes to the first answers of all

    def ask(self, asked: Asked) -> tuple[float, list[Outcome]]:
        """Run a round; return its seconds, and the outcomes in the order of the examples."""
        started = time.monotonic()
        found = self.jobs.all_of(asked.label, asked.jobs())
        return time.monotonic() - started, found

    @property
    def mib(self) -> float:
        return sum(map(peak_bytes, self.pids)) / MIB


def main() -> None:
    parser = argparse.ArgumentParser(description="One worker for all specialists, beside one for each.")
    parser.add_argument("--data", type=Path, help="a folder with <specialist>/dev.jsonl.gz")
    parser.add_argument("--jobs", type=int, default=16, help="of each specialist, in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    models = [each for each in load_catalog(Settings().specialists) if each.manifest.hosts_model]
    examples = {each.name: _examples(each, options.data) for each in models}
    names = sorted(examples)
    with ExitStack() as stack:
        sides = [
            stack.enter_context(_side("one worker", [names], examples)),
            stack.enter_context(_side(f"{len(names)} workers", [[name] for name in names], examples)),
        ]
        rates: dict[str, list[float]] = {side.name: [] for side in sides}
        for number in range(options.rounds):
            asked = Asked(f"round{number}", _in_turn(examples, options.jobs, number * options.jobs))
            for side in sides if number % 2 == 0 else sides[::-1]:
                seconds, outcomes = side.ask(asked)
                rates[side.name].append(sum(each.output is not None for each in outcomes) / seconds)
                print(f"{side.name}, {asked.label}: {seconds:.1f} s, {_scores(asked, outcomes)}", flush=True)
        found = [
            Hosting(
                side=side.name,
                specialists=len(names),
                jobs_per_s=round(statistics.median(rates[side.name]), 2),
                rounds=tuple(round(rate, 2) for rate in rates[side.name]),
                peak_mib=round(side.mib),
                ready_s=round(side.ready_s, 1),
            )
            for side in sides
        ]
    rows = [each.model_dump() for each in found]
    caption = f"{options.jobs} jobs of each in a round: {', '.join(names)}."
    show([row | {"rounds": " ".join(map(str, row["rounds"]))} for row in rows], caption)
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


@contextmanager
def _side(name: str, workers: Sequence[Sequence[str]], examples: dict[str, list[Example]]) -> Iterator[Side]:
    """Start a side: its own Redis, and a worker process for each list of names. All have answered when it
    is yielded.
    """
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        settings = Settings(redis_url=redis.url)
        # Threads beyond the number of cores block one another.
        threads = str(max(1, (os.cpu_count() or 1) // len(workers)))
        given = {"MANYHANDS_REDIS_URL": redis.url, "MANYHANDS_LOG_LEVEL": "WARNING", "MANYHANDS_THREADS": threads}
        began = time.monotonic()
        processes = [stack.enter_context(child(["workers.app", *names], given)) for names in workers]
        side = Side(name, [process.pid for process in processes], stack.enter_context(closing(Jobs(settings))))
        side.ask(Asked("warm", _in_turn(examples, WARM, -WARM)))
        side.ready_s = time.monotonic() - began
        yield side


def _examples(specialist: Specialist, data: Path | None) -> list[Example]:
    return read_examples(data / specialist.name / "dev.jsonl.gz" if data else specialist.folder / EXAMPLES)


def _in_turn(examples: dict[str, list[Example]], each: int, first: int) -> list[tuple[str, Example]]:
    """Take `each` examples of every type from number `first` on, repeating if too few; the types take turns."""
    parts = {name: islice(cycle(found), first % len(found), None) for name, found in examples.items()}
    return [(name, next(part)) for _ in range(each) for name, part in parts.items()]


def _scores(asked: Asked, outcomes: Sequence[Outcome]) -> str:
    """The first metric of each type, as a text."""
    said = []
    for name in sorted({name for name, _ in asked.examples}):
        pairs = [(pair[1], out.output) for pair, out in zip(asked.examples, outcomes, strict=True) if pair[0] == name]
        metric, value = next(iter(score([each for each, _ in pairs], [output for _, output in pairs]).items()))
        said.append(f"{name} {metric} {value:.0f}")
    return ", ".join(said)


if __name__ == "__main__":
    main()
