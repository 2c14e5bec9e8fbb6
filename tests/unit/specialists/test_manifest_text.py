"""Tables put into a manifest's text: in place of earlier ones, comments untouched, and never in silence wrongly."""

from __future__ import annotations

import tomllib

import pytest

from specialists.manifest_text import ManifestTextError, with_table, without

TEXT = """name = "mood"  # see [decoding] below, and [adapter]

[adapter]
sha256 = "old"

# how it answers
[decoding]
format = "lines"

[limits]
attempts = 3"""


def test_a_table_takes_the_place_of_an_earlier_one_and_comments_stay() -> None:
    changed = with_table(TEXT, "adapter", {"sha256": "new", "rank": 8}, "of today", before="decoding")

    read = tomllib.loads(changed)
    assert read["adapter"] == {"sha256": "new", "rank": 8}
    assert read | {"adapter": None} == tomllib.loads(TEXT) | {"adapter": None}
    assert changed.startswith('name = "mood"  # see [decoding] below, and [adapter]\n')
    assert "# how it answers\n" in changed
    assert "[adapter]  # of today\n" in changed
    assert with_table(changed, "adapter", {"sha256": "new", "rank": 8}, "of today", before="decoding") == changed


def test_a_table_at_the_end_goes_whole_though_no_line_break_follows() -> None:
    assert "attempts" not in without(TEXT, "limits")
    assert tomllib.loads(with_table(TEXT, "limits", {"attempts": 5}))["limits"] == {"attempts": 5}


def test_a_table_written_inside_a_line_is_no_place_and_the_new_one_goes_to_the_end() -> None:
    inline = 'name = "mood"\ndecoding = { format = "lines" }\n'
    assert tomllib.loads(with_table(inline, "adapter", {"sha256": "new"}, before="decoding"))["adapter"]


@pytest.mark.parametrize(
    "text",
    [
        'adapter = { sha256 = "old" }\n',  # declared twice then
        '[adapter]\nsha256 = "old"\n\nrank = 8\n',  # what follows the empty line would belong to nobody
    ],
)
def test_what_cannot_be_changed_as_text_is_said(text: str) -> None:
    with pytest.raises(ManifestTextError, match="write its tables as"):
        with_table(text, "adapter", {"sha256": "new"})


def test_texts_are_quoted() -> None:
    name = 'C:\\models\\"mine"'
    assert tomllib.loads(with_table("", "base", {"name": name}))["base"]["name"] == name
