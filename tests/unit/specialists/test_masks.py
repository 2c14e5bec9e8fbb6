"""Which parts of a text the marks of a template stand for, and templates of parts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specialists.masks import is_mask, masked, places_behind


@pytest.mark.parametrize(
    ("mask", "text", "parts"),
    [
        ("port <*> ssh2", "port 58386 ssh2", ["58386"]),
        ("<*>:<*> error", "host:80 error", ["host", "80"]),
        ("<*> at <*>", "a at b at c", ["a", "b at c"]),
        ("no <*> left", "no  left", [""]),
        ("no <*> left", "no left", None),
        ("from <*> (<*>) at <*>", "from 1.2.3.4 () at noon", ["1.2.3.4", "", "noon"]),
        ("<*> (<*>) of <*>", "it () of (x) of y", ["it", ") of (x", "y"]),
        ("<*>-draws", "-draws", [""]),
        ("<*> <*>", " ", None),
        ("bytes<*>sent", "bytes sent", [" "]),
        ("steps = <*>", " steps = 7 ", ["7"]),
        ("nothing varies", "nothing varies", []),
        ("nothing varies", "something varies", None),
        ("port <*>", "host 7", None),
        ("<*> ssh2", "port 7 ssh1", None),
        ("<*>x<*>", "axbxc", ["a", "bxc"]),
        ("<*><*>", "ab", ["a", "b"]),
        ("<*>", "all of it", ["all of it"]),
        ("", "", []),
        ("(<*>) (<*>)", "() ()", ["", ""]),
    ],
)
def test_each_mark_stands_for_the_shortest_part_that_lets_the_rest_fit(
    mask: str, text: str, parts: list[str] | None
) -> None:
    places = places_behind(mask, text, "<*>")

    assert (None if places is None else [text[start:end] for start, end in places]) == parts
    assert is_mask(mask, text, "<*>") == (parts is not None)


@pytest.mark.parametrize(
    ("text", "places", "mask"),
    [
        ("port 58386 ssh2", [(5, 10)], "port <*> ssh2"),
        ("f()", [(2, 2)], "f(<*>)"),
        ("1.5", [(0, 1), (1, 2), (2, 3)], "<*>"),
        ("a b", [(0, 1), (2, 3)], "<*> <*>"),
        (" so 7 ", [(4, 5)], "so <*>"),
        ("as it is ", [], "as it is"),
        ("", [], ""),
    ],
)
def test_parts_that_touch_share_a_mark_and_blanks_at_the_ends_go(
    text: str, places: list[tuple[int, int]], mask: str
) -> None:
    assert masked(text, places, "<*>") == mask


@given(st.text("ab:( )7", min_size=1, max_size=12), st.data())
def test_whatever_is_masked_is_a_mask_of_its_text_and_is_found_again(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    places = [(one, other) for one, other in zip(cuts[::2], cuts[1::2], strict=False) if begin <= one <= other <= end]
    mask = masked(text, places, "<*>")

    found = places_behind(mask, text, "<*>")

    assert is_mask(mask, text, "<*>")
    assert found is not None
    assert masked(text, found, "<*>") == mask


def test_a_hostile_template_is_judged_in_time_linear_in_it() -> None:
    began = time.monotonic()

    assert not is_mask("<*>a" * 5000 + "b<*>c", "a" * 20_000, "<*>")

    assert time.monotonic() - began < 1
