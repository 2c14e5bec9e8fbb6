"""Metrics: how good a specialist's outputs are, in percent. Pure; knows nothing of models or files.

An output of None is an answer that did not parse: it counts as wrong everywhere, and is never left out.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from specialists.examples import Example
from specialists.schemas import Json

OUT_OF_SCOPE = "out_of_scope"

#: One example's expected output and what was answered.
Pair = tuple[Example, Json | None]
Measure = Callable[[Sequence[Pair]], float]


@dataclass(frozen=True)
class Metric:
    measure: Measure
    counts: Callable[[Example], bool] = lambda _: True  #: whether an example is one that it is of

    def __call__(self, pairs: Sequence[Pair]) -> float:
        return self.measure([pair for pair in pairs if self.counts(pair[0])])


def score(examples: Sequence[Example], outputs: Sequence[Json | None]) -> dict[str, float]:
    """Metric name -> percent, for the metrics that fit the shape of the expected outputs."""
    pairs = list(zip(examples, outputs, strict=True))
    return {name: round(metric(pairs), 2) for name, metric in _metrics_of(examples).items()}


def intervals(
    examples: Sequence[Example], outputs: Sequence[Json | None], draws: int = 400, seed: int = 1
) -> dict[str, tuple[float, float]]:
    """Metric name -> its 95 % interval in percent, by the bootstrap: of examples drawn anew, with replacement."""
    pairs, draw = list(zip(examples, outputs, strict=True)), random.Random(seed)
    samples = [draw.choices(pairs, k=len(pairs)) for _ in range(draws)]
    found = {}
    for name, metric in _metrics_of(examples).items():
        values = sorted(metric(sample) for sample in samples)
        found[name] = (round(values[draws // 40], 1), round(values[-1 - draws // 40], 1))
    return found


def counts(examples: Sequence[Example]) -> dict[str, int]:
    """Metric name -> how many of the examples it is of."""
    return {name: sum(map(metric.counts, examples)) for name, metric in _metrics_of(examples).items()}


def right(example: Example, output: Json | None) -> bool:
    """Whether nothing is wrong with the output, as the metric that is strictest sees it."""
    return output is not None and output == example.output


def _metrics_of(examples: Sequence[Example]) -> dict[str, Metric]:
    """Those that fit the outputs' shape and are of some of the examples at least."""
    return {name: each for name, each in _metrics_for(examples).items() if any(map(each.counts, examples))}


def _metrics_for(examples: Sequence[Example]) -> dict[str, Metric]:
    fields = frozenset(examples[0].output)
    if fields in _BY_FIELDS:
        return _BY_FIELDS[fields]
    values = [value for example in examples for value in example.output.values()]
    if not all(isinstance(value, str) for value in values):
        return {"exact": EXACT}
    if len(fields) > 1:
        return {"field_exact": Metric(_field_exact), "exact": EXACT}
    metrics = {"accuracy": EXACT, "macro_f1": Metric(_macro_f1)}
    if OUT_OF_SCOPE in values:
        metrics["in_scope_accuracy"] = Metric(_exact, lambda example: not _is_out_of_scope(example))
        metrics["oos_recall"] = Metric(_exact, _is_out_of_scope)
    return metrics


# -- shares of right answers --


def _share(right: Iterable[bool]) -> float:
    """Percent of True; 0 of nothing, so that an empty subset cannot look good."""
    answers = list(right)
    return 100 * sum(answers) / len(answers) if answers else 0.0


def _exact(pairs: Sequence[Pair]) -> float:
    return _share(right(example, output) for example, output in pairs)


EXACT = Metric(_exact)


def _is_out_of_scope(example: Example) -> bool:
    return OUT_OF_SCOPE in example.output.values()


def _same(field: str) -> Measure:
    return lambda pairs: _share((output or {}).get(field) == example.output[field] for example, output in pairs)


def _field_exact(pairs: Sequence[Pair]) -> float:
    return _share(
        (output or {}).get(field) == value for example, output in pairs for field, value in example.output.items()
    )


# -- F1 --


def _f1(hits: int, answered: int, expected: int) -> float:
    """100 where nothing was expected and nothing answered."""
    return 200 * hits / (answered + expected) if answered + expected else 100.0


def _micro_f1(parts: Callable[[Json], Iterable[Hashable]]) -> Measure:
    """Over all examples together: each part of an expected output is found or not, as often as it occurs."""

    def measure(pairs: Sequence[Pair]) -> float:
        hits = answered = expected = 0
        for example, output in pairs:
            wanted = Counter(parts(example.output))
            given = Counter(parts(output) if output is not None else ())
            hits += (wanted & given).total()
            answered += given.total()
            expected += wanted.total()
        return _f1(hits, answered, expected)

    return measure


def _macro_f1(pairs: Sequence[Pair]) -> float:
    """The mean over labels; where inputs name a repository, the mean over repositories of that."""
    by_repository: dict[Any, list[Pair]] = {}
    for example, output in pairs:
        by_repository.setdefault(example.input.get("repository"), []).append((example, output))
    means = [_mean_over_labels(of_one) for of_one in by_repository.values()]
    return sum(means) / len(means)


def _mean_over_labels(pairs: Sequence[Pair]) -> float:
    wanted = [_label(example.output) for example, _ in pairs]
    given = [_label(output) for _, output in pairs]
    hits = Counter(label for label, other in zip(wanted, given, strict=True) if label == other)
    expected, answered = Counter(wanted), Counter(given)
    labels = {label for label in expected | answered if label is not None}
    return sum(_f1(hits[label], answered[label], expected[label]) for label in labels) / len(labels)


def _label(output: Json | None) -> Any:
    return next(iter(output.values())) if output else None


def _items(field: str, *keys: str) -> Callable[[Json], Iterator[Hashable]]:
    return lambda output: (tuple(str(item[key]) for key in keys) for item in output[field])


def _arguments(output: Json) -> Iterator[Hashable]:
    return ((name, str(value)) for name, value in output["arguments"].items())


_BY_FIELDS: dict[frozenset[str], dict[str, Metric]] = {
    frozenset({"intent", "slots"}): {
        "intent_accuracy": Metric(_same("intent")),
        "slot_f1": Metric(_micro_f1(_items("slots", "name", "value"))),
        "exact": EXACT,
    },
    frozenset({"entities"}): {"span_f1": Metric(_micro_f1(_items("entities", "type", "text"))), "exact": EXACT},
    frozenset({"template"}): {"parsing_accuracy": EXACT},
    frozenset({"name", "arguments"}): {
        "accuracy": Metric(_same("name")),
        "argument_f1": Metric(_micro_f1(_arguments)),
        "exact": EXACT,
    },
}
