"""Jobs per second of one worker, beside Celery + `generate` one at a time: same model, same prompts, one run.

    python -m benchmarks.worker [--specialist triage] [--jobs 64] [--pairs 3] [--data FILE]

Each pair runs all jobs through our worker process, then through the peer's; both are warm, and the other one idles.
The figure is the median over the pairs. Every answer is parsed and checked against the output schema.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infra.celery_queue import CeleryQueue, create_app
from infra.records import Job, JobState, Outcome, RunRecord
from infra.redis_ledger import RedisLedger
from infra.redis_server import RedisServer
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import EXAMPLES, read_examples
from specialists.specialist import AnswerError, Specialist
from specialists.training.base_model import load_base
from specialists.weights import ensure

START_S = 300.0
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Round:
    seconds: float
    jobs: int
    valid: int
    tokens: int  #: written, in all

    @property
    def jobs_per_s(self) -> float:
        return self.jobs / self.seconds


#: (inputs, a label unique among rounds) -> what came of it.
Contender = Callable[[Sequence[dict[str, Any]], str], Round]


def main() -> None:
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the children are ended in every case
    settings = Settings()
    specialist = load_catalog(settings.specialists).get(options.specialist)
    examples = read_examples(options.data or specialist.folder / EXAMPLES)
    inputs = [examples[n % len(examples)].input for n in range(options.jobs)]
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis:
        settings = settings.model_copy(update={"redis_url": redis.url})
        command = [sys.executable, "-m", "celery", "--quiet", "--app", "benchmarks.peer", "worker", "--pool", "solo"]
        with (
            child([sys.executable, "-m", "workers.app", specialist.name], MANYHANDS_REDIS_URL=redis.url),
            child([*command, "--loglevel", "error"], PEER_REDIS_URL=redis.url),
        ):
            contenders = {"manyhands": ours(settings, specialist), "Celery + generate": peer(specialist, redis.url)}
            rounds = compare(contenders, inputs, options.pairs)
    report(specialist, settings, options, rounds)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="One worker's jobs per second, beside Celery + generate.")
    parser.add_argument("--specialist", default="triage")
    parser.add_argument("--jobs", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--data", type=Path, help="examples; default: the specialist's own")
    return parser.parse_args()


@contextmanager
def child(command: list[str], **environment: str) -> Any:
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def compare(contenders: dict[str, Contender], inputs: Sequence[dict[str, Any]], pairs: int) -> dict[str, list[Round]]:
    for name, contender in contenders.items():
        contender(inputs[:2], f"warm-{name[0]}")
    rounds: dict[str, list[Round]] = {name: [] for name in contenders}
    for pair in range(pairs):
        for name, contender in contenders.items():
            rounds[name].append(contender(inputs, f"pair{pair}"))
            print(f"pair {pair + 1} of {pairs}: {name} {rounds[name][-1].jobs_per_s:.2f} jobs/s", flush=True)
    return rounds


def ours(settings: Settings, specialist: Specialist) -> Contender:
    """Jobs through the ledger, the queue and a worker process, outcomes read back from the ledger."""
    ledger, queue = RedisLedger.of(settings), CeleryQueue(create_app(settings))

    def measure(inputs: Sequence[dict[str, Any]], label: str) -> Round:
        jobs = [
            Job(id=Job.name(label, "s1", n), type=specialist.name, input=each, run_id=label, step_id="s1", index=n)
            for n, each in enumerate(inputs)
        ]
        run = RunRecord(id=label, created_ms=0, body={})
        started = time.monotonic()
        ledger.create_run(run, jobs, [])
        for job_type, job_id in ledger.take_ready(len(jobs)):
            queue.send(job_type, job_id)
        ended: dict[str, Outcome] = {}
        while len(ended) < len(jobs) and time.monotonic() < started + START_S:
            ended |= dict(ledger.outcomes("bench", len(jobs), 1000))
        seconds = time.monotonic() - started
        ledger.advance(run, [], [], list(ended))
        valid = sum(outcome.state is JobState.SUCCEEDED for outcome in ended.values())
        return Round(seconds, len(jobs), valid, sum(outcome.usage.tokens_out for outcome in ended.values()))

    return measure


def peer(specialist: Specialist, url: str) -> Contender:
    os.environ["PEER_REDIS_URL"] = url
    from benchmarks.peer import answer

    def measure(inputs: Sequence[dict[str, Any]], _: str) -> Round:
        started = time.monotonic()
        sent = [answer.delay(specialist.name, each) for each in inputs]
        found = [result.get(timeout=START_S) for result in sent]
        seconds = time.monotonic() - started
        valid = sum(parses(specialist, each["text"], input) for each, input in zip(found, inputs, strict=True))
        return Round(seconds, len(inputs), valid, sum(each["tokens"] for each in found))

    return measure


def parses(specialist: Specialist, text: str, input: dict[str, Any]) -> bool:
    try:
        specialist.parse(text, input)
    except AnswerError:
        return False
    return True


def report(
    specialist: Specialist, settings: Settings, options: argparse.Namespace, rounds: dict[str, list[Round]]
) -> None:
    threads = settings.threads or torch.get_num_threads()
    print(
        f"\n{specialist.name}, {options.jobs} jobs, median of {options.pairs} pairs, {settings.slots} slots, "
        f"{threads} threads, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print(f"{'':20}{'jobs/s':>10}{'valid':>10}{'tokens/job':>12}")
    medians = {name: statistics.median(each.jobs_per_s for each in found) for name, found in rounds.items()}
    for name, found in rounds.items():
        valid = 100 * sum(each.valid for each in found) / sum(each.jobs for each in found)
        tokens = sum(each.tokens for each in found) / sum(each.jobs for each in found)
        print(f"{name:20}{medians[name]:10.2f}{valid:9.1f}%{tokens:12.1f}")
    first, second = medians.values()
    print(f"ratio {first / second:.1f}")
    print(floor(specialist, settings, rounds["Celery + generate"]))


def floor(specialist: Specialist, settings: Settings, rounds: Sequence[Round]) -> str:
    """What no one-at-a-time worker can pass here: every token it writes reads all the weights from memory once."""
    assert specialist.manifest.base
    model, _ = load_base(ensure(specialist.manifest.base.name, settings.weights))
    read = sum(parameter.numel() for parameter in model.parameters()) * FLOAT_BYTES
    tokens = statistics.mean(each.tokens / each.jobs for each in rounds)
    speed = bytes_per_s()
    return (
        f"floor: one token alone reads {read / 1e6:.0f} MB; at {speed / 1e9:.1f} GB/s measured now, one at a time "
        f"cannot pass {speed / read / tokens:.2f} jobs/s here"
    )


def bytes_per_s() -> float:
    """Memory read in order, by all threads: the best of five."""
    block = torch.ones(1 << 27)  # 512 MB, far more than any cache
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        block.sum()
        best = max(best, block.numel() * FLOAT_BYTES / (time.perf_counter() - started))
    return best


if __name__ == "__main__":
    main()
