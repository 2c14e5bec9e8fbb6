"""Spans, read off the tokens' states: each token begins a span, goes on with one, or is in none. Knows no base.

The tags of a text are the likeliest that go together (Viterbi): a token goes on with a span only behind one that began
or went on with a span of the same type. So spans never overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from specialists.head_rule import FieldRule
from specialists.heads.readers.reader import Read, Reader, Seen, Values
from specialists.heads.readers.tag_paths import NONE, Run, begins, goes_on, likeliest, runs_of, surest
from specialists.heads.span_places import Place, Wanted, more_places, places_of
from specialists.heads.tokens import Reading, Span
from specialists.schemas import Json


@dataclass(frozen=True)
class Found:
    """A span that was read."""

    type: int
    text: str  #: as the prompt has it
    gain: float  #: how much likelier it is than no span there, as a logarithm


class TagsReader(Reader):
    """All fields of the output that are parts of one input field."""

    def __init__(self, rules: Sequence[FieldRule], width: int) -> None:
        super().__init__()
        self.rules = list(rules)
        self.types = [(rule, value) for rule in rules for value in rule.values]
        self.out = nn.Linear(width, 1 + 2 * len(self.types))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    # -- learning --

    def aim(self, output: Json, reading: Reading, source: Span) -> torch.Tensor | None:
        part = reading.part(source)
        tags = torch.full((len(part),), NONE)
        text = reading.text[source[0] : source[1] - reading.cut]
        spans = [(type, words) for type, words in self._spans_of(output) if words]
        places = places_of([self._wanted(type, words) for type, words in spans], text)
        if places is None:
            return None

        def mark(type: int, place: Place) -> bool:
            return _mark(tags, type, _inside(reading, part, source[0] + place[0], source[0] + place[1]))

        if not all(mark(type, place) for (type, _), place in zip(spans, places, strict=True)):
            return None
        for (type, _), place in zip(spans, list(places), strict=True):
            if self.types[type][0].shape == "one":  # any place that says it is right: the surest of them is read
                for more in more_places(place, text, places):
                    mark(type, more)
                    places.append(more)
        return tags

    def _wanted(self, type: int, words: str) -> Wanted:
        copy = self.types[type][0].copy
        return Wanted(words, copy is not None and copy.as_words)

    def _spans_of(self, output: Json) -> Iterator[tuple[int, str]]:
        """(type, text) of all spans of the output, in its order."""
        numbers: dict[tuple[str, Any], int] = {(rule.field, value): n for n, (rule, value) in enumerate(self.types)}
        for rule in self.rules:
            value = output.get(rule.field)
            items: list[Any] = value if isinstance(value, list) else [value] * (value is not None)
            for item in items:
                kind, text = (item[name] for name in rule.names) if rule.shape == "typed" else (rule.field, item)
                yield numbers[rule.field, kind], str(text)

    def loss(self, seen: Seen, aims: Sequence[torch.Tensor]) -> torch.Tensor:
        scores = [self.out(states) for states in self._parts(seen)]
        return torch.stack([F.cross_entropy(*pair) for pair in zip(scores, aims, strict=True) if len(pair[1])]).sum()

    # -- reading --

    def read(self, seen: Seen) -> list[Read]:
        found = []
        for reading, source, states in zip(seen.readings, seen.sources, self._parts(seen), strict=True):
            found.append(self._read(self.out(states).float().log_softmax(-1), reading, reading.part(source)))
        return found

    def _parts(self, seen: Seen) -> list[torch.Tensor]:
        return [
            states[reading.part(source)]
            for reading, source, states in zip(seen.readings, seen.sources, seen.states, strict=True)
        ]

    def _read(self, scores: torch.Tensor, reading: Reading, part: Sequence[int]) -> Read:
        """`scores`: (T, tags), logarithms, of the tokens `part`. The probability is that of all tags together."""
        tags = likeliest(scores)
        sure = float(scores.gather(1, tags[:, None]).sum())
        found = [_found(run, reading, part) for run in runs_of(tags, scores)]
        values: Values = {}
        for rule in self.rules:
            own = [each for each in found if self.types[each.type][0] is rule and _fits(rule, each)]
            if rule.shape != "one":
                values[rule.field] = [self._item(rule, each) for each in _kept(rule, own)]
                continue
            best = max(own, key=lambda each: each.gain, default=None)
            if best is None and rule.needs_text and part:
                best = _found(surest(scores, self.types.index((rule, rule.field))), reading, part)
                sure += min(best.gain, 0.0)
            if best or not rule.optional:
                values[rule.field] = _text(rule, best)[: rule.lengths[1]] if best else ""
        return Read(values, exp(sure))

    def _item(self, rule: FieldRule, span: Found) -> Any:
        text = _text(rule, span)
        return dict(zip(rule.names, (self.types[span.type][1], text), strict=True)) if rule.shape == "typed" else text


def _found(run: Run, reading: Reading, part: Sequence[int]) -> Found:
    start, end = reading.places[part[run.first]][0], reading.places[part[run.last]][1]
    return Found(run.type, reading.text[start:end], run.gain)


def _text(rule: FieldRule, span: Found) -> str:
    return rule.copy.written(span.text) if rule.copy else span.text


def _fits(rule: FieldRule, span: Found) -> bool:
    """Whether an output may hold a text of its length."""
    least, most = rule.lengths
    return least <= len(_text(rule, span)) and (most is None or len(_text(rule, span)) <= most)


def _kept(rule: FieldRule, spans: Sequence[Found]) -> list[Found]:
    """As many as a list may have, the surest ones, in the order of the text."""
    kept = sorted(range(len(spans)), key=lambda n: -spans[n].gain)[: rule.most]
    return [spans[n] for n in sorted(kept)]


def _mark(tags: torch.Tensor, type: int, inside: Sequence[int]) -> bool:
    """Whether the tokens `inside`, which become a span, were there and in no other."""
    if not inside or bool((tags[list(inside)] != NONE).any()):
        return False
    tags[list(inside)] = goes_on(type)
    tags[inside[0]] = begins(type)
    return True


def _inside(reading: Reading, part: Sequence[int], start: int, end: int) -> list[int]:
    """Which of the tokens `part` have characters in common with the span."""
    return [n for n, token in enumerate(part) if reading.places[token][0] < end and start < reading.places[token][1]]
