"""Tags that go together: the likeliest path, its spans, and the one span that is surest."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from specialists.heads.readers.tag_paths import NONE, begins, goes_on, likeliest, runs_of, surest

TYPES = 2


def scores_of(seed: int, length: int) -> torch.Tensor:
    drawn = torch.randn(length, 1 + 2 * TYPES, generator=torch.Generator().manual_seed(seed))
    return (3 * drawn).log_softmax(-1)


@pytest.mark.parametrize("seed", range(6))
def test_the_likeliest_path_is_the_best_of_all_that_go_together(seed: int) -> None:
    scores = scores_of(seed, 4)

    def fits(tags: tuple[int, ...]) -> bool:
        pairs = zip((NONE, *tags), tags, strict=False)
        return all(tag == NONE or tag % 2 or before in (tag, tag - 1) for before, tag in pairs)

    best = max(filter(fits, product(range(1 + 2 * TYPES), repeat=4)),
               key=lambda tags: sum(float(scores[n, tag]) for n, tag in enumerate(tags)))  # fmt: skip

    assert likeliest(scores).tolist() == list(best)


@pytest.mark.parametrize("seed", range(6))
def test_the_surest_span_is_the_best_of_all_spans_of_its_type(seed: int) -> None:
    scores, type = scores_of(seed, 5), seed % TYPES

    def gain(first: int, last: int) -> float:
        tags = [begins(type), *[goes_on(type)] * (last - first)]
        return sum(float(scores[first + n, tag] - scores[first + n, NONE]) for n, tag in enumerate(tags))

    spans = {(first, last): gain(first, last) for first in range(5) for last in range(first, 5)}
    run = surest(scores, type)

    assert (run.first, run.last) == max(spans, key=lambda span: spans[span])
    assert run.gain == pytest.approx(max(spans.values()), abs=1e-4)


def test_a_path_has_its_spans_in_order_and_two_may_touch() -> None:
    tags = torch.tensor([begins(0), goes_on(0), begins(0), NONE, begins(1)])

    runs = runs_of(tags, scores_of(0, 5))

    assert [(run.type, run.first, run.last) for run in runs] == [(0, 0, 1), (0, 2, 2), (1, 4, 4)]


def test_a_text_without_tokens_has_no_path() -> None:
    assert runs_of(likeliest(torch.zeros(0, 3)), torch.zeros(0, 3)) == []
