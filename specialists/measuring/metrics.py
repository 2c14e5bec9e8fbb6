"""Metrics: how good a specialist's outputs are, in percent. Pure; knows nothing of models or files.

An output of None is an answer that did not parse: it counts as wrong everywhere, and is never left out.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specialists.examples import Example
from specialists.measuring.guessing import guessed
from specialists.metric_rule import MetricRule
from specialists.schemas import Json

#: An example with its expected output, and the answer.
Pair = tuple[Example, Json | None]
Rules = Mapping[str, MetricRule]


@dataclass(frozen=True)
class Metric:
    rule: MetricRule

    def __call__(self, pairs: Sequence[Pair]) -> float:
        return _WAYS[self.rule.how](self.rule, [pair for pair in pairs if self.counts(pair[0])])

    def counts(self, example: Example) -> bool:
        """Whether the metric counts the example."""
        if self.rule.of is None:
            return True
        value = _at(example.output, self.rule)
        return self.rule.only in (None, value) and (self.rule.but is None or value != self.rule.but)


def score(examples: Sequence[Example], outputs: Sequence[Json | None], rules: Rules | None = None) -> dict[str, float]:
    """Metric name -> percent. Without `rules`, the metrics are chosen by the form of the expected outputs."""
    pairs = list(zip(examples, outputs, strict=True))
    return {name: round(metric(pairs), 2) for name, metric in _metrics_of(examples, rules).items()}


def intervals(
    examples: Sequence[Example],
    outputs: Sequence[Json | None],
    rules: Rules | None = None,
    *,
    draws: int = 400,
    seed: int = 1,
) -> dict[str, tuple[float, float]]:
    """Metric name -> its 95 % interval in percent, by the bootstrap: examples are drawn anew, with replacement."""
    pairs, draw = list(zip(examples, outputs, strict=True)), random.Random(seed)
    samples = [draw.choices(pairs, k=len(pairs)) for _ in range(draws)]
    found = {}
    for name, metric in _metrics_of(examples, rules).items():
        values = sorted(metric(sample) for sample in samples)
        found[name] = (round(values[draws // 40], 1), round(values[-1 - draws // 40], 1))
    return found


def counts(examples: Sequence[Example], rules: Rules | None = None) -> dict[str, int]:
    """Metric name -> how many of the examples it counts."""
    return {name: sum(map(metric.counts, examples)) for name, metric in _metrics_of(examples, rules).items()}


def right(example: Example, output: Json | None) -> bool:
    """Whether the output is exactly the expected one."""
    return output is not None and output == example.output


def _metrics_of(examples: Sequence[Example], rules: Rules | None) -> dict[str, Metric]:
    """The metrics that count at least one of the examples."""
    named = {name: Metric(rule) for name, rule in (rules or guessed(examples)).items()}
    return {name: metric for name, metric in named.items() if any(map(metric.counts, examples))}


# -- shares of right answers --


def _share(right: Iterable[bool]) -> float:
    """Percent of True; it is 0 for no answers, so that an empty subset cannot look good."""
    answers = list(right)
    return 100 * sum(answers) / len(answers) if answers else 0.0


def _exact(_: MetricRule, pairs: Sequence[Pair]) -> float:
    return _share(right(example, output) for example, output in pairs)


def _accuracy(rule: MetricRule, pairs: Sequence[Pair]) -> float:
    return _share(output is not None and _at(output, rule) == _at(example.output, rule) for example, output in pairs)


def _at(output: Json | None, rule: MetricRule) -> Any:
    """The value in the rule's field of the output, or None if there is none."""
    return output.get(rule.of) if output and rule.of else None


def _fields(_: MetricRule, pairs: Sequence[Pair]) -> float:
    """A field that is answered and not expected, as an optional one may be, is wrong."""
    return _share(
        output is not None and output.get(field) == example.output.get(field)
        for example, output in pairs
        for field in example.output.keys() | (output or {}).keys()
    )


# -- F1 --


def _f1(hits: int, answered: int, expected: int) -> float:
    """F1 in percent; it is 100 if nothing was expected and nothing answered."""
    return 200 * hits / (answered + expected) if answered + expected else 100.0


def _micro_f1(rule: MetricRule, pairs: Sequence[Pair]) -> float:
    """F1 over the items of all outputs together; an item that an output expects twice has to be found twice."""
    hits = answered = expected = 0
    for example, output in pairs:
        wanted, given = (Counter(_items(value, rule)) for value in (example.output, output))
        hits += (wanted & given).total()
        answered += given.total()
        expected += wanted.total()
    return _f1(hits, answered, expected)


def _items(output: Json | None, rule: MetricRule) -> Iterator[str]:
    """The items of a list, or the pairs of a map, as texts; equal items have equal texts."""
    value = _at(output, rule) or ()
    return (json.dumps(item, sort_keys=True) for item in (value.items() if isinstance(value, dict) else value))


def _macro_f1(rule: MetricRule, pairs: Sequence[Pair]) -> float:
    """The mean of F1 over labels; with `by`, the mean of these means over the values of that input field."""
    parts: dict[Any, list[Pair]] = {}
    for example, output in pairs:
        parts.setdefault(example.input.get(rule.by) if rule.by else None, []).append((example, output))
    means = [_mean_over_labels(part, rule) for part in parts.values()]
    return sum(means) / len(means)


def _mean_over_labels(pairs: Sequence[Pair], rule: MetricRule) -> float:
    wanted = [_at(example.output, rule) for example, _ in pairs]
    given = [_at(output, rule) for _, output in pairs]
    hits = Counter(label for label, other in zip(wanted, given, strict=True) if label == other)
    expected, answered = Counter(wanted), Counter(given)
    labels = {label for label in expected | answered if label is not None}
    scores = [_f1(hits[label], answered[label], expected[label]) for label in labels]
    return sum(scores) / len(scores) if scores else 100.0  # all outputs leave the field out


_WAYS: dict[str, Callable[[MetricRule, Sequence[Pair]], float]] = {
    "exact": _exact,
    "fields": _fields,
    "accuracy": _accuracy,
    "macro_f1": _macro_f1,
    "f1": _micro_f1,
}
