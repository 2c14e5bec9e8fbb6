"""A head: everything that one specialist reads off a trunk's hidden states. Knows no base and no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import nn

from specialists.head_rule import field_rules
from specialists.heads.readers import readers_of
from specialists.heads.readers.reader import Read, Reader, Seen, Values
from specialists.heads.tokens import Reading, Span
from specialists.heads.trunks.trunk import View
from specialists.specialist import Specialist

#: For each reader what it is to read; None where it has nothing to learn from this text.
Aims = list[torch.Tensor]


@dataclass(frozen=True)
class Asked:
    """An input as a head is asked of it."""

    reading: Reading
    source: Span  #: the characters of the prompt that spans may be parts of


class Head(nn.Module):
    def __init__(self, specialist: Specialist, width: int) -> None:
        super().__init__()
        rule = specialist.manifest.head
        assert rule, "of a specialist with a head"
        self.rules = field_rules(specialist.output_schema)
        self.readers = nn.ModuleList(readers_of(rule, self.rules, width))

    def aims(self, output: Values, asked: Asked) -> Aims | None:
        """None if `output` cannot be read off the text."""
        found = [reader.aim(output, asked.reading, asked.source) for reader in self._readers()]
        aims = [each for each in found if each is not None]
        return aims if len(aims) == len(found) else None

    def loss(self, seen: Seen, aims: Sequence[Aims]) -> torch.Tensor:
        """The sum over the texts."""
        each = zip(self._readers(), zip(*aims, strict=True), strict=True)
        return torch.stack([reader.loss(seen, own) for reader, own in each]).sum()

    @torch.inference_mode()
    def read(self, seen: Seen) -> list[Read]:
        """The values of each text in the order of the schema, with their probability together."""
        found = zip(*(reader.read(seen) for reader in self._readers()), strict=True)
        return [self._together(reads) for reads in found]

    def _together(self, reads: Sequence[Read]) -> Read:
        values = {name: value for read in reads for name, value in read.values.items()}
        ordered = {rule.field: values[rule.field] for rule in self.rules if rule.field in values}
        ranked = {field: pairs for read in reads for field, pairs in read.ranked.items()}
        return Read(ordered, prod(read.probability for read in reads), ranked)

    def _readers(self) -> list[Reader]:
        return [each for each in self.readers if isinstance(each, Reader)]


def view_of(specialist: Specialist, layers: int) -> View:
    """`layers`: those of the base."""
    rule = specialist.manifest.head
    assert rule, "of a specialist with a head"
    return View(rule.layers or layers, rule.both_ways)


def seen_of(asked: Sequence[Asked], states: Sequence[torch.Tensor]) -> Seen:
    return Seen([each.reading for each in asked], [each.source for each in asked], states)
