"""What a worker counts: claims, seconds, tokens, leases, and what its engines say. Knows no ledger and no attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from infra.metrics import PREFIX, Meter
from infra.records import Claim, Outcome, Refusal
from workers.engines import Engine, EngineStats

WAIT_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
RUN_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class WorkerMetrics:
    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Without a registry, nobody reads the figures."""
        meter = Meter(registry)
        self._registry = meter.registry
        self._claims = meter.counter("claims", "Attempts that began.", "job_type")
        self._redeliveries = meter.counter(
            "redeliveries",
            "Claims of a job that was claimed before: its worker was lost, or its attempt failed and is repeated.",
            "job_type",
        )
        self._refusals = meter.counter("claim_refusals", "Claims that got no job, by the ledger's reason.", "reason")
        self._wait = meter.histogram(
            "job_wait_seconds", "The time from ready to claimed, of each claim.", "job_type", buckets=WAIT_S
        )
        self._run = meter.histogram(
            "job_run_seconds",
            "The time from claimed to answered, of each accepted outcome.",
            "job_type",
            "state",
            buckets=RUN_S,
        )
        self._tokens_in = meter.counter("tokens_in", "Tokens of prompts.", "job_type")
        self._tokens_out = meter.counter("tokens_out", "Tokens of answers, sampled and forced.", "job_type")
        self._forced = meter.counter(
            "tokens_forced", "Tokens of answers that the grammar left no choice of.", "job_type"
        )
        self._reused = meter.counter(
            "tokens_reused", "Tokens of prompts that had been computed for an earlier prompt.", "job_type"
        )
        self._cut = meter.counter("prompts_cut", "Prompts that were cut to fit, as their manifest says.", "job_type")
        self._lost = meter.counter(
            "leases_lost", "Leases that were lost while a job ran: its run ended, or another worker has it.", "job_type"
        )
        self._dropped = meter.counter(
            "outcomes_dropped",
            "Attempts without an outcome: the lease was lost, the engine broke, or the worker stopped.",
            "job_type",
        )
        self._held = meter.gauge("leases_held", "Jobs that this worker runs now.")
        self._slots = meter.gauge("slots", "Jobs that this worker takes at a time.")

    def watch(self, engines: Mapping[str, Engine], slots: int, held: Callable[[], int]) -> None:
        """Set up what each scrape reads; call it once. `engines`: by job type. The series of each exist from now on."""
        self._slots.set(slots)
        self._held.set_function(held)
        self._registry.register(EngineCollector(engines))
        for reason in Refusal:
            self._refusals.labels(reason)
        for job_type in engines:
            self._wait.labels(job_type)
            for counter in (self._claims, self._redeliveries, self._lost, self._dropped):
                counter.labels(job_type)

    def claimed(self, claim: Claim) -> None:
        self._claims.labels(claim.job.type).inc()
        self._wait.labels(claim.job.type).observe(claim.wait_ms / 1000)
        if claim.attempt > 1:
            self._redeliveries.labels(claim.job.type).inc()

    def refused(self, refusal: Refusal) -> None:
        self._refusals.labels(refusal).inc()

    def ended(self, claim: Claim, outcome: Outcome | None, lost: bool) -> None:
        """`outcome`: None if the ledger got none, or did not accept it. `lost`: the lease was lost on the way."""
        if lost:
            self._lost.labels(claim.job.type).inc()
        if outcome:
            self._used(claim.job.type, outcome)
        else:
            self._dropped.labels(claim.job.type).inc()

    def _used(self, job_type: str, outcome: Outcome) -> None:
        usage = outcome.usage
        self._run.labels(job_type, outcome.state).observe(usage.run_ms / 1000)
        self._tokens_in.labels(job_type).inc(usage.tokens_in)
        self._tokens_out.labels(job_type).inc(usage.tokens_out)
        self._forced.labels(job_type).inc(usage.forced)
        self._reused.labels(job_type).inc(usage.reused)
        self._cut.labels(job_type).inc(usage.cut > 0)


LABELS = ["engine", "serves"]

#: The kind, name and help of each figure, and how it is read.
FIGURES: Sequence[tuple[type[GaugeMetricFamily | CounterMetricFamily], str, str, Callable[[EngineStats], float]]] = (
    (GaugeMetricFamily, "requests_running", "Requests that the engine works on.", lambda now: now.running),
    (GaugeMetricFamily, "requests_waiting", "Requests that wait for room in its batch.", lambda now: now.waiting),
    (CounterMetricFamily, "steps", "Decoding steps.", lambda now: now.steps),
    (CounterMetricFamily, "step_seconds", "Seconds spent in decoding steps.", lambda now: now.step_s),
    (
        CounterMetricFamily,
        "rows",
        "Requests in each step, summed; divided by the steps, this is the mean batch.",
        lambda now: now.rows,
    ),
    (GaugeMetricFamily, "replicas", "Copies of the engine that can take a request now.", lambda now: now.replicas),
    (CounterMetricFamily, "restarts", "Copies of the engine that were started again.", lambda now: now.restarts),
    (
        CounterMetricFamily,
        "shrunk",
        "Times that memory ran out in a step, and the batch shrank.",
        lambda now: now.shrunk,
    ),
)


class EngineCollector(Collector):
    """The engines' own figures, read when Prometheus asks. Engines of one name differ in the specialists they serve."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        served: dict[int, list[str]] = {}
        for job_type, engine in sorted(engines.items()):
            served.setdefault(id(engine), []).append(job_type)
        self._hosts = [(engines[job_types[0]], ",".join(job_types)) for job_types in served.values()]

    def collect(self) -> Iterator[Metric]:
        stats = [([engine.name, serves], engine.stats()) for engine, serves in self._hosts]
        info = InfoMetricFamily(
            f"{PREFIX}_engine", "The device that an engine of this worker computes on.", labels=LABELS
        )
        for labels, each in stats:
            info.add_metric(labels, {"device": each.device})
        yield info
        for kind, name, help, read in FIGURES:
            family = kind(f"{PREFIX}_engine_{name}", help, labels=LABELS)
            for labels, each in stats:
                family.add_metric(labels, read(each))
            yield family
