"""Readers: what reads fields off hidden states, and learns to. Know no base and no queue."""

from __future__ import annotations

from collections.abc import Sequence

from specialists.head_rule import FieldRule, HeadRule
from specialists.heads.readers.label import Abstaining, LabelReader, LabelsReader, ScoreReader
from specialists.heads.readers.mask import MaskReader
from specialists.heads.readers.reader import Reader
from specialists.heads.readers.tags import TagsReader


def readers_of(head: HeadRule, rules: Sequence[FieldRule], width: int) -> list[Reader]:
    """One reader for each field, and behind them one for all fields that are spans.

    A mask has one of its own, so that spans of the same text may stand beside it.
    """
    tags = [rule for rule in rules if rule.kind == "tags" and rule.shape != "mask"]
    found = [_alone(head, rule, width) for rule in rules if rule not in tags]
    return [*found, TagsReader(tags, width)] if tags else found


def _alone(head: HeadRule, rule: FieldRule, width: int) -> Reader:
    if rule.shape == "mask":
        return MaskReader(rule, width)
    if rule.kind == "labels":
        return LabelsReader(rule, width)
    if rule.kind == "score":
        return ScoreReader(rule, width)
    below = head.abstain_below
    return LabelReader(rule, width, None if below is None else Abstaining(below, head.abstain_as))
