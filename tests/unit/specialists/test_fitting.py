"""Prompts cut to fit: what is left out, what never is, and how often the tokenizer is asked."""

from __future__ import annotations

import random
import re

import pytest

from specialists.fitting import Unfit, fit

HEAD, TAIL = "Text: ", "\nMood:"


class Tokenizer:
    """A token a word with its blank before it, and one each other character, so that characters weigh unequally."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, text: str) -> list[int]:
        self.asked.append(text)
        return [hash(piece) for piece in re.findall(r" ?[a-z]+|.", text, re.DOTALL)]


def around(text: str) -> tuple[str, tuple[int, int]]:
    """A prompt with `text` in it, and where."""
    return HEAD + text + TAIL, (len(HEAD), len(HEAD) + len(text))


def length(text: str) -> int:
    return len(Tokenizer().encode(text))


def test_a_prompt_that_fits_is_left_as_it_is() -> None:
    tokenizer = Tokenizer()
    prompt, span = around("one two three")

    tokens, cut = fit(tokenizer.encode, prompt, span, length(prompt))

    assert (tokens, cut) == (Tokenizer().encode(prompt), 0)
    assert len(tokenizer.asked) == 1


def test_what_may_be_cut_is_cut_at_its_end_and_nothing_else() -> None:
    tokenizer = Tokenizer()
    prompt, span = around("12345")

    tokens, cut = fit(tokenizer.encode, prompt, span, length(HEAD + TAIL) + 3)

    assert (tokens, cut) == (Tokenizer().encode(HEAD + "123" + TAIL), 2)
    assert all(asked.startswith(HEAD) and asked.endswith(TAIL) for asked in tokenizer.asked)


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        pytest.param("extraordinarily " * 90_000, 8, id="even"),
        pytest.param("extraordinarily " * 9_000 + "7" * 9_000, 12, id="ends in tokens of a character"),
        pytest.param("x" * 500_000 + "7" * 500_000, 30, id="begins with one long token"),
    ],
)
def test_a_long_text_is_filled_up_to_the_limit_in_few_looks(text: str, looks: int) -> None:
    tokenizer = Tokenizer()
    prompt, span = around(text)

    tokens, cut = fit(tokenizer.encode, prompt, span, 600)

    assert len(tokens) == 600
    assert tokens == Tokenizer().encode(prompt[: span[1] - cut] + prompt[span[1] :])
    assert len(tokenizer.asked) <= looks


def test_whatever_the_text_the_prompt_fits_and_hardly_more_is_cut_than_must_be() -> None:
    chance = random.Random(5)
    for _ in range(300):
        prompt, span = around("".join(chance.choices("ab 1é", k=chance.randrange(80))))
        limit = chance.randrange(length(HEAD + TAIL), length(prompt) + 2)

        tokens, cut = fit(Tokenizer().encode, prompt, span, limit)

        kept = span[1] - cut
        assert tokens == Tokenizer().encode(prompt[:kept] + prompt[span[1] :])
        assert len(tokens) <= limit
        if cut:
            assert len(tokens) == limit or length(prompt[: kept + 1] + prompt[span[1] :]) > limit


def test_a_prompt_of_which_nothing_may_be_cut_is_refused() -> None:
    with pytest.raises(Unfit, match="the prompt has 5 tokens, the manifest allows 4") as caught:
        fit(Tokenizer().encode, "a b c d e", None, 4)
    assert (caught.value.tokens, caught.value.limit) == (5, 4)


def test_a_prompt_that_is_too_long_without_its_text_is_refused_and_says_so() -> None:
    prompt, span = around("one two three")
    limit = length(HEAD + TAIL) - 1

    with pytest.raises(Unfit, match="without the text that may be cut, has") as caught:
        fit(Tokenizer().encode, prompt, span, limit)
    assert caught.value.tokens == limit + 1


def test_a_text_that_has_to_go_altogether_goes() -> None:
    prompt, span = around("one two three")

    tokens, cut = fit(Tokenizer().encode, prompt, span, length(HEAD + TAIL))

    assert (tokens, cut) == (Tokenizer().encode(HEAD + TAIL), len("one two three"))
