"""One form of text in prompts, in training and in serving; and spans in the caller's own text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specialists.catalog import load_catalog
from specialists.specialist import Specialist, load_specialist
from specialists.text_form import mask_told_back, normal, told_back

SPECIAL = (
    "\r\n\t\x00\x0b\x85\xa0\xad\u0301\u030a\u0338\u1100\u1161\u11a8"
    "\u200b\u200c\u200d\u2028\u202e\u212a\u3000\ufeffaeKk é"
)
TEXTS = st.text(st.one_of(st.sampled_from(SPECIAL), st.characters(exclude_categories=["Cs"])), max_size=40)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("TOTAL 5.00\r\nCASH 10.00\rCHANGE", "TOTAL 5.00\nCASH 10.00\nCHANGE"),
        ("one\x0bpage\x0ctwo\x85three\u2028four\u2029five", "one\npage\ntwo\nthree\nfour\nfive"),
        ("\ufeffDear Sir", "Dear Sir"),
        ("12\xa0000\u202f€", "12 000 €"),
        ("my re\u200bfund\x00 is la\u00adte\u200d", "my refund is late"),
        ("Zu\u0308rich", "Z\xfcrich"),
        ("a\tb  c", "a\tb  c"),  # a tab and two spaces can be seen
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),  # a joiner that makes one sign of two
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
    ],
)
def test_text_that_looks_the_same_has_one_form(text: str, form: str) -> None:
    assert normal(text) == form


@given(TEXTS)
def test_the_form_of_a_form_is_itself(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(TEXTS, st.integers(0, 40), st.integers(1, 40))
def test_a_part_of_the_form_is_told_back_as_a_part_of_the_text(text: str, start: int, length: int) -> None:
    """The part, or a little more where the text has characters that the form composes."""
    part = normal(text)[start : start + length]

    own = told_back(part, text)

    assert own is not None
    assert own in text
    assert part in normal(own)


def test_a_part_of_another_text_is_not_told_back() -> None:
    assert told_back("Zürich", "Zu\u0308ri\u200bch") == "Zu\u0308ri\u200bch"
    assert told_back("Bern", "Zu\u0308rich") is None


@pytest.mark.parametrize(
    ("mask", "text", "own"),
    [
        ("Zürich <*> left", "Zu\u0308rich 7 left", "Zu\u0308rich <*> left"),
        ("<*> left", "Zu\u0308rich\xa0HB left", "<*> left"),
        ("7 (<*>) left", "7\xa0() left", "7\xa0(<*>) left"),
        ("<*> left<*>", "7 left\u200b", "<*> left\u200b<*>"),
        ("Bern <*>", "Zu\u0308rich 7", None),
    ],
)
def test_a_mask_of_the_normal_form_is_told_as_one_of_the_callers_text(mask: str, text: str, own: str | None) -> None:
    assert mask_told_back(mask, text, "<*>") == own


@pytest.fixture
def places(tmp_path: Path) -> Specialist:
    """Copies places out of a text, a line each, each of a kind."""
    folder = tmp_path / "places"
    folder.mkdir()
    (folder / "specialist.toml").write_text(
        'name = "places"\nversion = "1.0.0"\ndescription = "Names places."\nengine = "transformers"\n'
        '[base]\nname = "smollm2-135m"\n[decoding]\nformat = "lines"\n'
    )
    text = {"text": {"type": "string", "minLength": 1, "maxLength": 100}}
    item = {
        "type": "object",
        "properties": {"kind": {"enum": ["town", "river"]}, "name": {**text["text"], "x-span-of": "text"}},
        "required": ["kind", "name"],
        "additionalProperties": False,
    }
    for side, properties in (
        ("input", text),
        ("output", {"places": {"type": "array", "items": item, "maxItems": 4}}),
    ):
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        (folder / f"{side}.schema.json").write_text(json.dumps({**schema, "additionalProperties": False}))
    (folder / "prompt.txt").write_text("{{text}}\n")
    return load_specialist(folder)


def test_a_model_is_shown_the_form_and_its_caller_the_text(places: Specialist) -> None:
    input, plain = {"text": "From Zu\u0308rich\xa0HB\r\nto Bern"}, {"text": "From Zürich HB\nto Bern"}

    assert places.render(input) == "From Zürich HB\nto Bern\n"
    assert places.grammar(input) == places.grammar(plain)
    output = places.parse("town: Zürich HB", input)
    assert output == {"places": [{"kind": "town", "name": "Zu\u0308rich\xa0HB"}]}
    assert places.write(output) == "town: Zürich HB"  # as it is trained


def test_a_text_of_which_nothing_can_be_seen_is_refused_as_an_empty_one(places: Specialist) -> None:
    assert places.input_faults({"text": "\u200b\ufeff"}) == [
        "places.input.text: 0 characters, minLength is 1 (characters that cannot be seen do not count)"
    ]


def test_names_are_no_texts() -> None:
    """The values on offer of a call's parameter are answered as they were given."""
    method = {"name": "book", "parameters": {"city": {"enum": ["New\xa0York"]}}}
    call = load_catalog().get("call")

    assert '"New\xa0York"' in call.grammar({"dialogue": ["to New York"], "methods": [method]})
