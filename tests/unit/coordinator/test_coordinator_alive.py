"""A coordinator is well while each of its loops goes round."""

from prometheus_client import CollectorRegistry, generate_latest

from coordinator.alive import LOOPS, STUCK_S, stuck
from coordinator.runs.metrics import CoordinatorMetrics

TURNED_AT = 1_000_000.0


def metrics(*turned: str) -> str:
    registry = CollectorRegistry()
    counted = CoordinatorMetrics(registry)
    for loop in turned:
        counted._turned.labels(loop).set(TURNED_AT)
    return generate_latest(registry).decode()


def test_it_is_well_while_all_loops_go_round() -> None:
    assert stuck(metrics(*LOOPS), TURNED_AT + STUCK_S - 1) == []


def test_a_loop_that_never_went_round_is_named() -> None:
    assert stuck(metrics("advance", "sweep"), TURNED_AT) == ["loop 'dispatch' has not gone round yet"]


def test_a_loop_that_stands_still_is_named_with_its_silence() -> None:
    assert stuck(metrics(*LOOPS), TURNED_AT + STUCK_S + 1)[0] == "loop 'advance' last went round 31 s ago"


def test_a_turn_is_noted_with_the_time_of_its_end() -> None:
    registry = CollectorRegistry()
    CoordinatorMetrics(registry).turned("advance")
    turned_at = registry.get_sample_value("manyhands_loop_turned_timestamp_seconds", {"loop": "advance"})
    assert turned_at is not None
    assert turned_at > TURNED_AT
