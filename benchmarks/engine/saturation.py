"""Saturation: typed jobs a second of one worker that always has work, beside the peers, on the same prompts.

All processes are up at once, and one at a time is asked. A ratio is the median over pairs of rounds that follow each
other; ours is the whole worker, with ledger and queue. There are two contenders of llama.cpp: one with the specialist's
grammar, and one with its output schema as `json_schema`, in which the specialist was never trained to answer.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.delivery.tables import Row, show
from benchmarks.engine.contenders import Contender, alone, celery_generate, started, worker
from benchmarks.engine.options import Options
from benchmarks.engine.workload import Answers, Workload, worth
from infra.process.redis_server import RedisServer
from infra.settings import Settings

#: A contender's jobs for each job of ours in a round, at least LEAST, which fills llama.cpp's slots; slow contenders
#: would otherwise take hours.
SHARE = {"Celery + generate": 0.1, "llama.cpp": 0.34, "llama.cpp json_schema": 0.03, "generate_batch": 0.5}
LEAST = 16

ALONE = "manyhands, its engine alone"  #: without ledger and queue, as generate_batch and llama.cpp run here


def saturation(options: Options) -> Iterator[tuple[str, Row]]:
    """Measure each workload, by its name."""
    for name in options.workloads:
        yield name, _measured(options.workload(name), options)


def _measured(workload: Workload, options: Options) -> Row:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis, ExitStack() as stack:
        settings = Settings().model_copy(update={"redis_url": redis.url, "slots": options.slots})
        begun = [
            worker(workload, settings),
            alone("ours", [workload.name], ALONE, slots=options.slots),
            celery_generate(settings),
            alone("generate_batch", [workload.name]),
            alone("llama.cpp", [workload.name]),
            alone("llama.cpp json_schema", [workload.name]),
        ]
        contenders = [started(stack.enter_context(each), workload) for each in begun]
        rounds = _rounds(contenders, workload, options.pairs)
        rows = [_row(each, rounds) for each in contenders]
    caption = f"{workload.name}: {workload.jobs} jobs a round of ours, {options.pairs} pairs, {options.slots} slots"
    show(rows, f"{caption}; score: {rows[0]['scored_by']}. The ratio is ours to theirs.")
    return {"jobs": workload.jobs, "contenders": rows, "rounds": {
        name: [[each.seconds, len(each.outputs), each.jobs_per_s] for each in found] for name, found in rounds.items()
    }}  # fmt: skip


def _rounds(contenders: list[Contender], workload: Workload, pairs: int) -> dict[str, list[Answers]]:
    rounds: dict[str, list[Answers]] = {each.name: [] for each in contenders}
    for pair in range(pairs):
        for each in contenders:
            found = each.ask(workload.round(pair, SHARE.get(each.name, 1), LEAST), f"pair{pair}")
            rounds[each.name].append(found)
            print(f"{workload.name}, pair {pair + 1} of {pairs}: {each.name} {found.jobs_per_s:.2f} jobs/s", flush=True)
    return rounds


def _row(contender: Contender, rounds: dict[str, list[Answers]]) -> Row:
    own, found = rounds["manyhands"], rounds[contender.name]
    return {
        "contender": contender.name,
        "jobs_per_s": statistics.median(each.jobs_per_s for each in found),
        "ratio": ratio(own, found),
        **worth(found),
        "peak_gib": contender.peak_bytes() / 2**30,
        "ready_s": contender.ready_s,
    }


def ratio(ours: list[Answers], theirs: list[Answers]) -> float:
    """The median over the pairs; it is infinite if the other gave nothing valid."""
    return statistics.median(
        one.jobs_per_s / other.jobs_per_s if other.jobs_per_s else float("inf")
        for one, other in zip(ours, theirs, strict=True)
    )
