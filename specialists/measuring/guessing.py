"""Metrics for a specialist whose manifest names none: they are chosen by the form of its expected outputs."""

from __future__ import annotations

from collections.abc import Sequence

from specialists.examples import Example
from specialists.metric_rule import MetricRule

OUT_OF_SCOPE = "out_of_scope"

#: The field of an input by which a macro F1 is split.
REPOSITORY = "repository"

EXACT = MetricRule(how="exact")

_BY_FIELDS: dict[frozenset[str], dict[str, MetricRule]] = {
    frozenset({"intent", "slots"}): {
        "intent_accuracy": MetricRule(how="accuracy", of="intent"),
        "slot_f1": MetricRule(how="f1", of="slots"),
        "exact": EXACT,
    },
    frozenset({"entities"}): {"span_f1": MetricRule(how="f1", of="entities"), "exact": EXACT},
    frozenset({"template"}): {"parsing_accuracy": EXACT},
    frozenset({"name", "arguments"}): {
        "accuracy": MetricRule(how="accuracy", of="name"),
        "argument_f1": MetricRule(how="f1", of="arguments"),
        "exact": EXACT,
    },
}


def guessed(examples: Sequence[Example]) -> dict[str, MetricRule]:
    """Metric name -> its rule."""
    fields = list(dict.fromkeys(field for example in examples for field in example.output))  # some may be optional
    if frozenset(fields) in _BY_FIELDS:
        return _BY_FIELDS[frozenset(fields)]
    values = [value for example in examples for value in example.output.values()]
    if any(isinstance(value, list | dict) for value in values):
        return _of_lists(examples, fields)
    if not (fields and all(isinstance(value, str) for value in values)):
        return {"exact": EXACT}
    if len(fields) > 1:
        return {"field_exact": MetricRule(how="fields"), "exact": EXACT}
    return _of_a_label(examples, field=fields[0])


def _of_lists(examples: Sequence[Example], fields: Sequence[str]) -> dict[str, MetricRule]:
    """For outputs with lists or maps: each of these by its items, and each other field as a whole."""
    rules = {}
    for field in fields:
        values = [example.output[field] for example in examples if field in example.output]
        is_list = all(isinstance(value, list | dict) for value in values)
        name, how = (f"{field}_f1", "f1") if is_list else (f"{field}_accuracy", "accuracy")
        rules[name] = MetricRule.model_validate({"how": how, "of": field})
    return {**rules, "exact": EXACT}


def _of_a_label(examples: Sequence[Example], field: str) -> dict[str, MetricRule]:
    by = REPOSITORY if any(REPOSITORY in example.input for example in examples) else None
    rules = {"accuracy": EXACT, "macro_f1": MetricRule(how="macro_f1", of=field, by=by)}
    if any(example.output.get(field) == OUT_OF_SCOPE for example in examples):
        rules["in_scope_accuracy"] = MetricRule(how="accuracy", of=field, but=OUT_OF_SCOPE)
        rules["oos_recall"] = MetricRule(how="accuracy", of=field, only=OUT_OF_SCOPE)
    return rules
