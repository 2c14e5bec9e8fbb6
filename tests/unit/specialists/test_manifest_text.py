"""Tables put into a manifest's text: in place of earlier ones, with comments untouched."""

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
    changed = with_table(TEXT, "adapter", {"sha256": "new", "rank": 8}, "of today")

    read = tomllib.loads(changed)
    assert read["adapter"] == {"sha256": "new", "rank": 8}
    assert read | {"adapter": None} == tomllib.loads(TEXT) | {"adapter": None}
    assert changed.startswith('name = "mood"  # see [decoding] below, and [adapter]\n')
    assert "# how it answers\n" in changed
    assert "[adapter]  # of today\n" in changed
    assert with_table(changed, "adapter", {"sha256": "new", "rank": 8}, "of today") == changed


def test_a_table_at_the_end_goes_whole_though_no_line_break_follows() -> None:
    assert "attempts" not in without(TEXT, "limits")
    assert tomllib.loads(with_table(TEXT, "limits", {"attempts": 5}))["limits"] == {"attempts": 5}


def test_a_comment_between_two_tables_stays_where_the_first_of_them_goes() -> None:
    changed = without(TEXT, "adapter")

    assert changed.startswith('name = "mood"  # see [decoding] below, and [adapter]\n\n# how it answers\n[decoding]\n')
    assert without(changed, "adapter") == changed


@pytest.mark.parametrize(
    "text",
    [
        'adapter = { sha256 = "old" }\nname = "mood"\n',
        '[adapter]\nsha256 = "old"\n\nrank = 8\n',
        "",
    ],
)
def test_a_table_that_was_written_otherwise_is_replaced_whole(text: str) -> None:
    read = tomllib.loads(with_table(text, "adapter", {"sha256": "new"}))

    assert read == {name: value for name, value in tomllib.loads(text).items() if name != "adapter"} | {
        "adapter": {"sha256": "new"}
    }
    assert "adapter" not in tomllib.loads(without(text, "adapter"))


def test_a_mapping_is_written_on_one_line() -> None:
    assert with_table("", "measure", {"f1": {"how": "f1", "of": "pairs"}}) == (
        '[measure]\nf1 = {how = "f1", of = "pairs"}\n'
    )


def test_what_is_no_toml_is_said() -> None:
    with pytest.raises(ManifestTextError, match="the manifest is no TOML"):
        with_table("name = \n", "adapter", {"sha256": "new"})


def test_texts_are_quoted() -> None:
    name = 'C:\\models\\"mine"'
    assert tomllib.loads(with_table("", "base", {"name": name}))["base"]["name"] == name
