"""Grams: words, pairs of words and runs of letters, as numbers that every process computes alike."""

from __future__ import annotations

import numpy as np

from specialists.heads.linear.grams import letter_grams, word_grams
from specialists.heads.linear.words import Words
from specialists.training.linear.choice import chosen


def test_words_of_two_letters_and_pairs_of_neighbours_count_in_lower_case() -> None:
    assert len(word_grams("My Card, a my card")) == 4 + 3
    assert len(np.unique(word_grams("My Card my card"))) == 2 + 2
    assert np.array_equal(word_grams("CARD"), word_grams("card"))


def test_runs_of_letters_stay_within_a_word_and_its_blanks() -> None:
    # of " ab ": " a", "ab", "b ", " ab", "ab ", " ab "
    assert len(letter_grams("ab")) == 6
    assert len(letter_grams("ab  cd")) == 2 * 6
    assert np.array_equal(np.unique(letter_grams("ab cd")), np.unique(letter_grams("cd ab")))


def test_no_text_is_too_short_or_too_strange() -> None:
    for text in ("", " ", "a", "😀", "\ud800", "\0"):
        assert letter_grams(text).dtype == np.uint32
        assert len(word_grams(text)) == 0


def test_a_number_is_the_same_in_every_process() -> None:
    assert word_grams("card").tolist() == [370448595]


def test_grams_of_every_text_are_left_out() -> None:
    texts = [np.array(each, np.uint32) for each in ([1, 2], [1, 3], [1, 3])]
    numbers, rarity = chosen(texts, np.eye(2, dtype=np.float32)[[0, 1, 1]])
    assert numbers.tolist() == [2, 3]
    assert rarity[0] > rarity[1]


def test_a_text_too_long_is_cut_where_it_may_be() -> None:
    reading = Words().read("Text: one two three\nAnswer:", 6, (6, 19))
    assert reading.text == "Text: one two\nAnswer:" or reading.text == "Text: one two \nAnswer:"
    assert len(reading.ids) == len(reading.places) == 6
