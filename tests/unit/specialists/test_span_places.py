"""Where the words of an answer stand in a text."""

from __future__ import annotations

import pytest

from specialists.heads.span_places import Wanted, more_places, places_of


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (["Oslo", "York"], "Oslo or York", ["Oslo@0", "York@8"]),
        (["York", "York"], "York to York", ["York@0", "York@8"]),
        (["art"], "a part of art", ["art@10"]),
        (["art"], "a part", ["art@3"]),
        (["York", "Oslo"], "Oslo or York", ["York@8", "Oslo@0"]),
        (["York", "New York"], "New York, York", ["York@10", "New York@0"]),
        (["7.50"], "17.50 and 7.50", ["7.50@10"]),
        ([], "nothing", []),
        (["Rome"], "Oslo", None),
        (["York", "York"], "York", None),
    ],
)
def test_each_of_the_words_has_a_place_of_its_own(words: list[str], text: str, found: list[str] | None) -> None:
    places = places_of([Wanted(each) for each in words], text)

    assert (None if places is None else [f"{text[start:end]}@{start}" for start, end in places]) == found


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("The One I Love", "play The One  I Love now", "The One  I Love"),
        ("1 Quay Road, 10300 Pinang", "1 Quay Road,\n10300\tPinang\nTel", "1 Quay Road,\n10300\tPinang"),
        ("7/4, Tampoi, Johor.", "no 7/4,Tampoi.\nJohor. Tel", "7/4,Tampoi.\nJohor."),
        ("BOOK CO", "BO OK CO., LTD", "BO OK CO"),
        ("1.00", "11.00, 1. 00 and 1.00", "1.00"),
        ("***", "a *** b", "***"),
        ("---", "a *** b", None),
        ("Rome", "Oslo", None),
    ],
)  # fmt: skip
def test_words_are_found_across_other_blanks_and_at_last_other_punctuation(
    words: str, text: str, found: str | None
) -> None:
    places = places_of([Wanted(words, as_words=True)], text)

    assert (None if places is None else text[slice(*places[0])]) == found


def test_an_exact_span_is_not_found_across_other_blanks() -> None:
    assert places_of([Wanted("New York")], "New  York") is None


def test_further_places_of_the_same_words_are_whole_and_free() -> None:
    text = "9.00, 19.00, 9.00, 9.00 and 9.00"

    found = list(more_places((0, 4), text, [(0, 4), (18, 24)]))

    assert found == [(13, 17), (28, 32)]
