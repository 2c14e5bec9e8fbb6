"""A linear specialist on disk: its table of grams and its readers, in one file of safetensors. Knows no engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from specialists.head_rule import FieldRule, field_rules
from specialists.heads.files import HeadFileError, put_state, read_state
from specialists.heads.head import Head
from specialists.heads.linear.trunk import LinearTrunk
from specialists.heads.readers.label import LabelReader, LabelsReader
from specialists.specialist import Specialist

NUMBERS = "grams.numbers"


def answers_of(rules: Sequence[FieldRule]) -> int:
    """How many numbers the linear layer gives: one for each value of each field."""
    return sum(len(rule.values) for rule in rules)


def linear_head(specialist: Specialist) -> Head:
    """A head whose readers take their own answers as the linear layer gives them."""
    rules = field_rules(specialist.output_schema)
    head = Head(specialist, answers_of(rules))
    with torch.no_grad():
        for start, reader in readers_of(head):
            for n in range(len(reader.rule.values)):
                reader.out.weight[n, start + n] = 1.0
    return head


def readers_of(head: Head) -> Iterator[tuple[int, LabelReader | LabelsReader]]:
    """Each reader, with the number of its first answer."""
    start = 0
    for reader in head.readers:
        assert isinstance(reader, LabelReader | LabelsReader), "the manifest's check: labels alone"
        yield start, reader
        start += len(reader.rule.values)


def load_linear(specialist: Specialist, path: Path, trunk: LinearTrunk) -> Head:
    """The head of the specialist; the trunk gets its table. It raises HeadFileError."""
    state = read_state(path)
    if NUMBERS not in state:
        raise HeadFileError(f"{path.name} has no table of grams: was it trained on base 'linear'?")
    head = linear_head(specialist)
    trunk.teach(specialist.name, len(state[NUMBERS]), answers_of(head.rules))
    put_state(state, specialist.name, trunk, head, path.name)
    return head
