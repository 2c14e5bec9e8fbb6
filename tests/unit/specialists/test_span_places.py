"""Where the words of an answer stand in a text."""

from __future__ import annotations

import pytest

from specialists.heads.span_places import places_of


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
    places = places_of(words, text)

    assert (None if places is None else [f"{text[start:end]}@{start}" for start, end in places]) == found
