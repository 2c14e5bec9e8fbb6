"""A coordinator's health check, `python -m coordinator.alive`: checks in its metrics that each loop goes round."""

from __future__ import annotations

import sys
import time
from urllib.request import ProxyHandler, build_opener

from prometheus_client.parser import text_string_to_metric_families

from infra.metrics import PATH, PREFIX
from infra.settings import Settings

TURNED = f"{PREFIX}_loop_turned_timestamp_seconds"
LOOPS = ("advance", "dispatch", "sweep")
_DIRECT = build_opener(ProxyHandler({}))  #: asks no proxy of the environment for what is on this machine
STUCK_S = 30.0  #: how long a loop may take; a turn takes a second when there is nothing to do


def main() -> int:
    settings = Settings()
    if settings.metrics_port is None:
        return _stuck(["nobody can say: set MANYHANDS_METRICS_PORT"])
    try:
        with _DIRECT.open(f"http://127.0.0.1:{settings.metrics_port}{PATH}", timeout=5.0) as response:
            text = response.read().decode()
    except OSError as error:
        return _stuck([f"no metrics on port {settings.metrics_port}: {error}"])
    return _stuck(stuck(text, time.time()))


def stuck(metrics: str, now_s: float) -> list[str]:
    """One sentence for each loop that has not gone round lately."""
    turned = {
        sample.labels["loop"]: now_s - sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == TURNED
    }
    silent_s = {loop: turned.get(loop) for loop in LOOPS}
    return [
        f"loop {loop!r} " + ("has not gone round yet" if age_s is None else f"last went round {age_s:.0f} s ago")
        for loop, age_s in silent_s.items()
        if age_s is None or age_s > STUCK_S
    ]


def _stuck(faults: list[str]) -> int:
    for fault in faults:
        print(fault)  # noqa: T201 - Docker keeps the output of a check
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
