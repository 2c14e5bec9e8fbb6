"""Metrics: a registry of this process's own, and a small server that Prometheus reads. Knows no job and no ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from socketserver import ThreadingTCPServer
from threading import Thread

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    MetricsHandler,
    ProcessCollector,
    disable_created_metrics,
)

from infra.settings import SettingError, Settings

#: The beginning of every metric's name.
PREFIX = "manyhands"
PATH = "/metrics"


def create_registry(process: str) -> CollectorRegistry:
    """A registry that has what every process shows of itself; `process` is "api", "coordinator" or "worker"."""
    registry = CollectorRegistry()
    build = Info("build", "The build that runs.", namespace=PREFIX, registry=registry)
    build.info({"version": version("manyhands"), "process": process})
    ProcessCollector(namespace=PREFIX, registry=registry)
    return registry


class Meter:
    """Makes metrics in one registry, all named `manyhands_…`. A registry that is not given is private: its metrics are
    counted, and nobody reads them."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()

    def counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(name, help, labels, namespace=PREFIX, registry=self.registry)

    def gauge(self, name: str, help: str, *labels: str) -> Gauge:
        return Gauge(name, help, labels, namespace=PREFIX, registry=self.registry)

    def histogram(self, name: str, help: str, *labels: str, buckets: Sequence[float]) -> Histogram:
        return Histogram(name, help, labels, namespace=PREFIX, registry=self.registry, buckets=buckets)


@contextmanager
def served(registry: CollectorRegistry, settings: Settings) -> Iterator[None]:
    """Serve `registry` to Prometheus for as long as the block runs. Raises SettingError if the port is not free."""
    if settings.metrics_port is None:
        yield
        return
    disable_created_metrics()  # type: ignore[no-untyped-call] # they double the series, and no query of ours asks for them
    with _listen(registry, settings.metrics_host, settings.metrics_port) as server:
        Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    """Used instead of `http.server.HTTPServer`, which looks up this machine's name and may have to wait for it."""

    allow_reuse_address = True
    daemon_threads = True


class _Handler(MetricsHandler):
    timeout = 10.0  #: seconds; without it, a client that connects and asks nothing would hold a thread for ever

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == PATH:
            super().do_GET()
        else:
            self.send_error(404)


def _listen(registry: CollectorRegistry, host: str, port: int) -> _Server:
    try:
        return _Server((host, port), _Handler.factory(registry))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"MANYHANDS_METRICS_PORT: cannot listen on {host}:{port} ({reason}); choose another port"
        raise SettingError(message) from error
