"""Schemas of the values that `specialists.functions.fields` finds at a field. Knows no function and no plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Any

from specialists.functions.fields import VALUE, plain
from specialists.schemas import Json, kind_of

#: How many names and how many nearest values a fault shows.
SHOWN, NEAREST = 12, 3
LONGEST = 60
DEEP = 4


def at(schema: Json, field: str) -> Json | None:
    """The schema of the values at `field` of values of `schema`; None if there can be none, {} if nothing is known."""
    kind = kind_of(schema)
    if not field or kind in (None, "null"):
        return {} if field else schema
    if kind == "array":
        return at(schema.get("items", {}), field)
    if kind != "object":
        return schema if field == VALUE else None
    properties, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    name, _, rest = (field, "", "") if field in properties else field.partition(".")
    if name in properties:
        return at(properties[name], rest)
    if more is False:
        return None
    return at(more, rest) if isinstance(more, dict) else {}


def leaf(schema: Json) -> Json:
    """The schema of the values inside the lists of `schema`, however deep the lists nest."""
    while kind_of(schema) == "array":
        schema = schema.get("items", {})
    return schema


def known(schema: Json) -> str:
    """List the fields that values of `schema` are known to have, for a sentence."""
    return shown(dict.fromkeys(_paths(schema, "", DEEP)))


def shown(names: Iterable[Any]) -> str:
    found = [_cut(str(name)) for name in names]
    return ", ".join([*found[:SHOWN], *(["…"] if len(found) > SHOWN else [])]) or "none"


def quoted(value: Any) -> str:
    return repr(_cut(value) if isinstance(value, str) else value)


def nearest(wanted: Any, choices: Iterable[Any]) -> str:
    """List the few of `choices` that read most like `wanted`, best first, for a sentence."""
    text, labels = plain(str(wanted)), [(plain(str(choice)), str(choice)) for choice in choices]
    common = Counter(word for label, _ in labels for word in set(label.split()))
    ranked = sorted(labels, key=lambda label: -_likeness(text, label[0], common))
    return ", ".join(_cut(label) for _, label in ranked[:NEAREST])


def _likeness(one: str, other: str, common: Counter[str]) -> float:
    """Score shared words first, rare ones among the labels highest, and then shared letters."""
    shared = set(one.split()) & set(other.split())
    return sum(1 / common[word] for word in shared) + SequenceMatcher(None, one, other).ratio()


def _paths(schema: Json, above: str, levels: int) -> Iterator[str]:
    inner = leaf(schema)
    if kind_of(inner) == "object" and levels and inner.get("properties"):
        for name, child in inner["properties"].items():
            yield from _paths(child, f"{above}.{name}" if above else name, levels - 1)
    elif kind_of(inner) is not None and (above or kind_of(inner) != "object"):
        yield above or VALUE
    elif above:
        yield above


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
