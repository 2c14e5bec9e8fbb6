"""Readers: what reads fields off hidden states, and learns to. Know no base and no queue."""

from __future__ import annotations

from collections.abc import Sequence

from specialists.head_rule import FieldRule
from specialists.heads.readers.label import LabelReader, LabelsReader, ScoreReader
from specialists.heads.readers.reader import Reader
from specialists.heads.readers.tags import TagsReader

_ALONE = {"label": LabelReader, "labels": LabelsReader, "score": ScoreReader}


def readers_of(rules: Sequence[FieldRule], width: int) -> list[Reader]:
    """One reader for each field, and behind them one for all fields that are spans."""
    found: list[Reader] = [_ALONE[rule.kind](rule, width) for rule in rules if rule.kind in _ALONE]
    tags = [rule for rule in rules if rule.kind == "tags"]
    return [*found, TagsReader(tags, width)] if tags else found
