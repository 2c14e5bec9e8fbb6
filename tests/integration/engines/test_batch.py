"""The batch: who is fed what in a step, and how a row ends. With real grammars of bytes, and no model."""

from __future__ import annotations

import pytest
from llguidance import LLMatcher, LLTokenizer

from workers.engines import Finish, Request
from workers.engines.grammar import Guide
from workers.engines.mask import Choice
from workers.engines.transformers.batch import Batch, Row

BYTES = LLTokenizer("byte")
END = 10_000


def row(id: str, prompt: int, grammar: str = "start: /[a-z]*/", max_tokens: int = 100) -> Row:
    """Of a prompt of so many tokens."""
    found = Row(Request(id, "s", "", grammar, max_tokens), [0] * prompt, Guide(LLMatcher(BYTES, grammar)))
    found.start()
    return found


def say(found: Row, text: str) -> None:
    for byte in text.encode():
        found.take(Choice(byte, -0.5), END)


def step(batch: Batch, most: int) -> dict[str, int]:
    """Tokens that each was fed; whose prompt is fed then says one more."""
    fed = {one.request.id: len(piece.tokens) for one, piece in batch.feed(most)}
    for each in batch:
        if not each.pending:
            say(each, "x")
    return fed


def test_a_long_prompt_is_fed_though_shorter_ones_keep_coming() -> None:
    batch, long = Batch(64), row("long", 120)
    batch.join(long)
    for n in range(20):
        batch.join(row(f"short{n}", 30))
        step(batch, 40)
        if not long.pending or long.answer:
            break

    assert long.answer, "its prompt was fed whole"
    assert n < 10


def test_running_answers_are_fed_before_any_prompt() -> None:
    batch = Batch(8)
    batch.join(row("answers", 4))
    assert step(batch, 100) == {"answers": 4}
    batch.join(row("long", 500))

    assert step(batch, 50) == {"answers": 1, "long": 49}


@pytest.mark.parametrize(
    ("grammar", "said", "finish"),
    [
        ("start: /[a-z]{3}/", "abc", Finish.STOP),
        ("start: /[a-z]{9}/", "abc", Finish.LENGTH),
        ("start: /[a-z]*/", "abcd", Finish.LENGTH),
    ],
)
def test_an_answer_of_the_most_tokens_is_whole_if_nothing_may_or_must_follow(
    grammar: str, said: str, finish: Finish
) -> None:
    found = row("r", 4, grammar, max_tokens=3)

    say(found, said)

    assert found.finish is finish
    assert len(found.answer) == 3


def test_an_answer_of_the_most_tokens_may_end_though_it_could_go_on() -> None:
    found = row("r", 4, max_tokens=3)
    say(found, "abc")
    assert found.finish is None, "it may be whole: the next choice says"

    found.take(Choice(END, -0.5), END)

    assert found.finish is Finish.STOP
    assert found.completion("abc").probability == pytest.approx(2.718281828**-2.0)


def test_a_row_that_lost_its_slot_is_fed_prompt_and_answer_again() -> None:
    batch, one = Batch(8), row("r", 4)
    batch.join(one)
    step(batch, 100)
    step(batch, 100)
    batch.leave(one)
    one.restart()

    assert one.pending == 4 + 2
