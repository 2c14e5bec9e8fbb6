"""The building blocks of `benchmarks.engine.run`, small and untimed, so that the benchmark cannot rot."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.engine.contenders import Jobs, started, worker
from benchmarks.engine.latency import arrivals
from benchmarks.engine.saturation import ratio
from benchmarks.engine.steps import OTHER, part_of
from benchmarks.engine.workload import WARM, Answers, Workload, load_workload, worth
from infra.process.redis_server import RedisServer
from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.examples import Example


@pytest.fixture(scope="module")
def counting() -> Workload:
    """A function's jobs: no model is loaded for them."""
    specialist = load_catalog().get("count")
    inputs = [{"items": [{"city": f"Oslo {n}"}], "field": "city"} for n in range(40)]
    return Workload(specialist, [Example(input, specialist.function(input)) for input in inputs], len(inputs))


def test_a_workers_answers_come_back_in_the_order_of_their_inputs(counting: Workload, tmp_path: Path) -> None:
    with RedisServer(tmp_path) as redis:
        settings = Settings().model_copy(update={"redis_url": redis.url, "slots": 4})
        with worker(counting, settings) as begun:
            contender = started(begun, counting)
            found = contender.ask(counting, "round")
            jobs = Jobs(settings)
            took = arrivals(jobs, counting, rate=100, count=10)
            jobs.close()
            peak = contender.peak_bytes()

    assert list(found.outputs) == [example.output for example in counting.examples]
    assert worth([found])["valid_percent"] == 100
    assert found.jobs_per_s == len(counting.examples) / found.seconds
    assert len(took) == 10
    assert min(took) > 0
    assert contender.ready_s > 0
    assert peak > 10 << 20


def test_an_answer_that_is_not_valid_counts_for_nothing(counting: Workload) -> None:
    outputs = [example.output for example in counting.examples]
    examples = counting.examples
    whole = Answers(examples, 2.0, [*outputs[:20], *[None] * 20], 0)
    half = Answers(examples, 2.0, [None, *outputs[1:20], *[None] * 20], 0)

    assert whole.jobs_per_s == 10
    assert half.jobs_per_s == 19 / 2
    assert worth([half])["valid_percent"] == 100 * 19 / 40
    assert ratio([whole], [half]) == 10 / 9.5
    assert ratio([whole], [Answers(examples[:1], 1.0, [None], 0)]) == float("inf")


def test_a_text_that_does_not_parse_is_no_output() -> None:
    triage = load_workload("triage", 1, 1, None)
    said = triage.specialist.format.write(triage.examples[0].output)

    assert triage.output(said, triage.inputs[0]) == triage.examples[0].output
    assert triage.output("what was never asked", triage.inputs[0]) is None
    assert triage.output(None, triage.inputs[0]) is None, "an answer that came to no end"


def test_who_is_slow_is_asked_less_but_never_too_little(counting: Workload) -> None:
    assert len(counting.round(0).examples) == 40
    assert len(counting.round(0, 0.5, least=8).examples) == 20
    assert len(counting.round(0, 0.1, least=8).examples) == 8


def test_no_text_is_asked_twice_and_only_those_of_the_file_are_scored() -> None:
    workload = load_workload("triage", 10, 3, None)
    rounds = [workload.round(n) for n in range(3)]
    asked = [input["text"] for each in [*rounds, workload.warm()] for input in each.inputs]
    right = [Answers(each.examples, 1.0, [example.output for example in each.examples], 0) for each in rounds]

    assert len(set(asked)) == len(asked) == 30 + WARM
    assert worth(right)["scored"] == 6, "as many as triage's own examples"
    assert worth(right)["valid_percent"] == 100


def test_an_operation_is_one_of_the_parts_of_a_step() -> None:
    assert part_of("mkldnn::_linear_pointwise") == "products of layers"
    assert part_of("aten::scaled_dot_product_attention") == "attention"
    assert part_of("aten::view") == OTHER
