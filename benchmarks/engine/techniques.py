"""The worth of each of the engine's techniques: all of them on, and each left out, in pairs of processes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.delivery.tables import Row, show
from benchmarks.engine.contenders import Contender, Pipe, alone, started
from benchmarks.engine.options import Options
from benchmarks.engine.workload import Answers, Workload, worth
from workers.engines.precision import Precision, fastest
from workers.engines.transformers.decoder import best_device

#: The share of saturation's jobs in a round.
SHARE = 0.5

LEAST = 8  #: the fewest jobs


@dataclass(frozen=True)
class Variant:
    name: str
    options: Row = field(default_factory=dict)
    share: float = 1.0  #: the share of a round's jobs, for a slow variant
    beside: Sequence[str] = ()  #: other specialists that the engine also hosts


def variants(workload: str, options: Options) -> list[Variant]:
    usual = fastest(best_device())
    return [
        Variant("one request at a time", {"slots": 1}, share=0.25),
        Variant("no kept prefixes", {"techniques": {"prefix_bytes": 0}}),
        Variant("forced tokens a step each", {"techniques": {"forced": False}}),
        Variant("all logits always", {"techniques": {"picked": False}}),
        *(Variant(f"{each}", {"precision": each}) for each in Precision if each is not usual),
        Variant("adapters of all kept apart", beside=[each for each in options.workloads if each != workload]),
    ]


def techniques(options: Options) -> Iterator[tuple[str, Row]]:
    """Measure each workload, by its name."""
    for name in options.workloads:
        yield name, _measured(options.workload(name, options.pairs * len(variants(name, options))), options)


def _measured(workload: Workload, options: Options) -> Row:
    rows: list[Row] = []
    with alone("ours", [workload.name], "all on", slots=options.slots) as begun:
        whole = started(begun, workload)
        for number, variant in enumerate(variants(workload.name, options)):
            rounds = range(number * options.pairs, (number + 1) * options.pairs)
            share = SHARE * variant.share
            given = {"slots": options.slots, **variant.options}
            with alone("ours", [workload.name, *variant.beside], variant.name, **given) as other:
                without = started(other, workload)
                pairs = [
                    (whole.ask(workload.round(n, SHARE, LEAST), ""), without.ask(workload.round(n, share, LEAST), ""))
                    for n in rounds
                ]
            if not rows:
                rows.append(_row("all on", [one for one, _ in pairs], 1.0, _pipe(whole)))
            gain = statistics.median(one.jobs_per_s / other.jobs_per_s for one, other in pairs)
            rows.append(_row(variant.name, [other for _, other in pairs], gain, _pipe(without)))
    show(rows, f"{workload.name}: gain is that of having it, the median of {options.pairs} pairs.")
    return {"variants": rows}


def _pipe(contender: Contender) -> Row:
    pipe = getattr(contender.ask, "__self__", None)
    assert isinstance(pipe, Pipe)
    return pipe.last


def _row(name: str, rounds: Sequence[Answers], gain: float, last: Row) -> Row:
    jobs, found = len(rounds[-1].examples), worth(rounds)
    return {
        "variant": name,
        "jobs_per_s": statistics.median(each.jobs_per_s for each in rounds),
        "gain": gain,
        "score": found["score"],
        "valid_percent": found["valid_percent"],
        "steps_a_job": last["rows"] / jobs,
        "forced_a_job": last["forced"] / jobs,
        "reused_percent": 100 * last["reused"] / last["tokens_in"],
    }
