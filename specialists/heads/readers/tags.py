"""Spans, read off the tokens' states: each token begins a span, goes on with one, or is in none. Knows no base.

The tags of a text are the likeliest that go together (Viterbi): a token goes on with a span only behind one that began
or went on with a span of the same type. So spans never overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from specialists.head_rule import FieldRule
from specialists.heads.readers.reader import Read, Reader, Seen, Values
from specialists.heads.span_places import places_of
from specialists.heads.tokens import Reading, Span
from specialists.schemas import Json

NONE = 0  #: the tag of a token that is in no span


@dataclass(frozen=True)
class Found:
    """A span that was read."""

    type: int
    start: int  #: its first character in the prompt
    end: int  #: behind its last one
    probability: float


class TagsReader(Reader):
    """All fields of the output that are parts of one input field.

    Tag 1 + 2 t begins a span of type t, and tag 2 + 2 t goes on with it.
    """

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
        wanted = [(kind, words) for kind, words in self._spans_of(output) if words]
        places = places_of([words for _, words in wanted], text)
        if places is None:
            return None
        for (kind, _), (start, end) in zip(wanted, places, strict=True):
            inside = _inside(reading, part, source[0] + start, source[0] + end)
            if not inside or bool((tags[inside] != NONE).any()):
                return None
            tags[inside] = 2 + 2 * kind
            tags[inside[0]] = 1 + 2 * kind
        return tags

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
            spans, sure = self._decoded(self.out(states).float().log_softmax(-1), reading, reading.part(source))
            found.append(Read(self._values(spans, reading.text), sure))
        return found

    def _parts(self, seen: Seen) -> list[torch.Tensor]:
        return [
            states[reading.part(source)]
            for reading, source, states in zip(seen.readings, seen.sources, seen.states, strict=True)
        ]

    def _decoded(self, scores: torch.Tensor, reading: Reading, part: Sequence[int]) -> tuple[list[Found], float]:
        """`scores`: (T, tags), logarithms. The spans, and the probability of all tags together."""
        if not part:
            return [], 1.0
        tags = likeliest(scores)
        each = scores.gather(1, tags[:, None])[:, 0].tolist()
        spans: list[Found] = []
        for token, tag, score in zip(part, tags.tolist(), each, strict=True):
            start, end = reading.places[token]
            if tag == NONE:
                continue
            if tag % 2:
                spans.append(Found(tag // 2, start, end, score))
            else:
                last = spans[-1]
                spans[-1] = Found(last.type, last.start, end, last.probability + score)
        return spans, float(torch.tensor(sum(each)).exp())

    def _values(self, spans: Sequence[Found], text: str) -> Values:
        values: Values = {}
        for rule in self.rules:
            own = [each for each in spans if self.types[each.type][0] is rule]
            if rule.shape == "one":
                best = max(own, key=lambda each: each.probability, default=None)
                if best or not rule.optional:
                    values[rule.field] = text[best.start : best.end] if best else ""
                continue
            if rule.most is not None and len(own) > rule.most:
                surest = sorted(own, key=lambda each: -each.probability)[: rule.most]
                own = [each for each in own if each in surest]
            values[rule.field] = [self._item(rule, each, text) for each in own]
        return values

    def _item(self, rule: FieldRule, span: Found, text: str) -> Any:
        words = text[span.start : span.end]
        return dict(zip(rule.names, (self.types[span.type][1], words), strict=True)) if rule.shape == "typed" else words


def likeliest(scores: torch.Tensor) -> torch.Tensor:
    """The likeliest tags (T,) that go together, of logarithms of probabilities (T, tags)."""
    length, tags = scores.shape
    begins, goes_on = torch.arange(1, tags, 2), torch.arange(2, tags, 2)
    best, back = scores[0].clone(), torch.zeros(length, tags, dtype=torch.long)
    best[goes_on] = float("-inf")
    for at in range(1, length):
        top, whence = best.max(0)
        before = torch.stack((best[begins], best[goes_on]))  # a span of a type, begun or gone on with
        stay, which = before.max(0)
        back[at] = whence
        back[at, goes_on] = torch.where(which == 0, begins, goes_on)
        best = scores[at] + top
        best[goes_on] = scores[at, goes_on] + stay
    found = torch.zeros(length, dtype=torch.long)
    found[-1] = best.argmax()
    for at in range(length - 1, 0, -1):
        found[at - 1] = back[at, found[at]]
    return found


def _inside(reading: Reading, part: Sequence[int], start: int, end: int) -> list[int]:
    """Which of the tokens `part` have characters in common with the span."""
    return [n for n, token in enumerate(part) if reading.places[token][0] < end and start < reading.places[token][1]]
