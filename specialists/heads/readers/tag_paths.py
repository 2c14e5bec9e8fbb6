"""Paths: tags of a text's tokens that go together, by the logarithms of their probabilities. Knows no field."""

from __future__ import annotations

from dataclasses import dataclass

import torch

NONE = 0  #: the tag of a token that is in no span


def begins(type: int) -> int:
    """The tag of a token that begins a span."""
    return 1 + 2 * type


def goes_on(type: int) -> int:
    """The tag of a token that goes on with one."""
    return 2 + 2 * type


@dataclass(frozen=True)
class Run:
    """Tokens of one span, by their places in the path."""

    type: int
    first: int
    last: int
    gain: float  #: the logarithm of how much likelier it is than no span there


def runs_of(tags: torch.Tensor, scores: torch.Tensor) -> list[Run]:
    """The spans of a path (T,). `scores`: (T, tags)."""
    gains = (scores.gather(1, tags[:, None])[:, 0] - scores[:, NONE]).tolist()
    found: list[Run] = []
    for at, (tag, gain) in enumerate(zip(tags.tolist(), gains, strict=True)):
        if tag == NONE:
            continue
        if tag % 2:
            found.append(Run(tag // 2, at, at, gain))
        else:
            found[-1] = Run(found[-1].type, found[-1].first, at, found[-1].gain + gain)
    return found


def surest(scores: torch.Tensor, type: int) -> Run:
    """The one span of a type that is likeliest, however unlikely. `scores`: (T, tags), of one token at least."""
    begin = (scores[:, begins(type)] - scores[:, NONE]).tolist()
    more = (scores[:, goes_on(type)] - scores[:, NONE]).tolist()
    ending = best = Run(type, 0, 0, begin[0])
    for at in range(1, len(begin)):
        on = Run(type, ending.first, at, ending.gain + more[at])
        ending = max(on, Run(type, at, at, begin[at]), key=lambda run: run.gain)
        best = max(best, ending, key=lambda run: run.gain)
    return best


def likeliest(scores: torch.Tensor) -> torch.Tensor:
    """The likeliest tags (T,) that go together, of logarithms of probabilities (T, tags)."""
    length, tags = scores.shape
    alone = scores.argmax(1)
    if _go_together(alone):  # mostly, once a head is trained; the search below takes some operations a token
        return alone
    first, more = torch.arange(1, tags, 2), torch.arange(2, tags, 2)
    best, back = scores[0].clone(), torch.zeros(length, tags, dtype=torch.long)
    best[more] = float("-inf")
    for at in range(1, length):
        top, whence = best.max(0)
        before = torch.stack((best[first], best[more]))  # a span of a type, begun or gone on with
        stay, which = before.max(0)
        back[at] = whence
        back[at, more] = torch.where(which == 0, first, more)
        best = scores[at] + top
        best[more] = scores[at, more] + stay
    found = torch.zeros(length, dtype=torch.long)
    found[-1] = best.argmax()
    for at in range(length - 1, 0, -1):
        found[at - 1] = back[at, found[at]]
    return found


def _go_together(tags: torch.Tensor) -> bool:
    before = torch.cat((tags.new_zeros(1), tags[:-1]))[: len(tags)]
    more = (tags != NONE) & (tags % 2 == 0)
    return not bool((more & (before != tags) & (before != tags - 1)).any())
