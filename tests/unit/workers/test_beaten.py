"""`manyhands eval` names each simple method that does better than the specialist."""

from __future__ import annotations

from workers.measuring.eval_cli import beaten
from workers.measuring.evaluate import Evaluation

FOUND = Evaluation(
    specialist="mood",
    n=40,
    valid_share=100.0,
    metrics={"accuracy": 80.0, "macro_f1": 70.0},
    intervals={"accuracy": (70.0, 90.0), "macro_f1": (60.0, 80.0)},
    counts={"accuracy": 40, "macro_f1": 40},
    seconds=1.0,
    jobs_per_s=40.0,
    tokens_in=9.0,
    tokens_out=0.0,
    refused={},
    answers=[],
)


def test_a_simple_method_with_a_higher_main_metric_is_named() -> None:
    simple = {"majority": {"accuracy": 20.0, "macro_f1": 5.0}, "nearest": {"accuracy": 82.5, "macro_f1": 60.0}}
    assert beaten(FOUND, simple) == ["mood is worse than a simple method: accuracy 80.00, and nearest has 82.50"]


def test_a_method_that_is_as_good_is_not_better() -> None:
    assert beaten(FOUND, {"nearest": {"accuracy": 80.0, "macro_f1": 90.0}}) == []
