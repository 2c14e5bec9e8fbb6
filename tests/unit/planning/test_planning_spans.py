"""spans: numbers, dates, quoted words, names and phrases in a goal, and where in it a value may be meant."""

from __future__ import annotations

import pytest

from specialists.planning.words.amounts import dates, numbers
from specialists.planning.words.spans import around, passages, phrases, quoted, spans, windows


@pytest.mark.parametrize(
    ("goal", "values"),
    [
        ("orders above $1,000.50", [1000.5]),
        ("1,234,567 rows", [1234567]),
        ("1 000 people", [1000]),
        ("under 2,5", [2.5]),
        ("10% and -4 degrees", [10, -4]),
        ("the 3rd of 7", [3, 7]),
        ("top ten of twelve", [10, 12]),
        ("abc123 and s1", []),
        ("2026-01-31 and 7", [7]),
        ("on 31.12.2025", []),
    ],
)
def test_numbers_are_read_in_figures_and_in_words_and_dates_are_none(goal: str, values: list[float]) -> None:
    assert [number.value for number in numbers(goal)] == values


def test_whole_numbers_are_whole() -> None:
    assert [type(number.value) for number in numbers("7, 7.0 and 7.5")] == [int, int, float]


@pytest.mark.parametrize(
    ("goal", "operator"),
    [
        ("over 50 EUR", "greater_than"),
        ("more than 7 days", "greater_than"),
        ("exceeding the 50", "greater_than"),
        ("older than 30 and younger than 40", "greater_than"),
        ("under £50", "less_than"),
        ("fewer than three", "less_than"),
        ("at least three of them", "at_least"),
        ("no less than 7", "at_least"),
        ("no fewer than 7", "at_least"),
        ("5 or more", "at_least"),
        ("no more than 7 days", "at_most"),
        ("up to 12", "at_most"),
        ("within 3 days", "at_most"),
        ("50 or fewer", "at_most"),
        ("room 7", None),
        ("the top 3", None),
    ],
)
def test_the_words_around_a_number_say_how_it_is_compared(goal: str, operator: str | None) -> None:
    assert numbers(goal)[0].operator == operator


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        ("before 2026-01-31", [("2026-01-31", "before")]),
        ("after the 31.12.2025", [("31.12.2025", "after")]),
        ("since 1/2/2025 or until 3/4/2025", [("1/2/2025", "after"), ("3/4/2025", "before")]),
        ("due 2026-01-01", [("2026-01-01", None)]),
        ("in 2026", []),
    ],
)
def test_dates_are_told_as_written_with_the_order_that_the_words_say(
    goal: str, found: list[tuple[str, str | None]]
) -> None:
    assert dates(goal) == found


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        ('those that say "card arrival" or “two words”', ["card arrival", "two words"]),
        ("«oui» or „nein“", ["oui", "nein"]),
        ("the customer's and the 'other one' don't", ["other one"]),
        ("orders from Berlin or New York", ["Berlin", "New York"]),
        ("the customers of Bank of America", ["Bank of America"]),
        ("it is Bob's order from SAP-ERP to O'Brien", ["Bob", "SAP-ERP", "O'Brien"]),
        ("translate: good morning", ["good morning"]),
        ("Please List all of My Orders", ["Orders"]),
        ("sort them", []),
    ],
)
def test_quoted_words_names_and_what_is_behind_a_colon_may_be_values(goal: str, found: list[str]) -> None:
    assert spans(goal) == found


def test_the_same_words_are_told_once() -> None:
    assert spans('"Berlin" and Berlin') == ["Berlin"]


def test_a_text_that_the_goal_holds_is_a_passage() -> None:
    goal = 'Triage this: my card never came, "please send another one"'
    assert 'my card never came, "please send another one' in passages(goal)
    assert "please send another one" in passages(goal)
    assert passages("Sort my mails") == []


def test_windows_are_the_goal_its_clauses_and_pieces_of_long_ones() -> None:
    found = windows("sort the mails, then count how many there are of each and every kind")
    assert found[:2] == ["sort the mails, then count how many there are of each and every kind", "sort the mails"]
    assert "how many there are of" in found
    assert len(windows("word " * 5000)) <= 24


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        ('those that say "card arrival" or “two words”', ["card arrival", "two words"]),
        ("«oui», „nein“ and «oui»", ["oui", "nein"]),
        ("the customer's and the 'other one' of Berlin: all", ["other one"]),
        ("Berlin", []),
    ],
)
def test_only_what_stands_between_quotation_marks_is_quoted(goal: str, found: list[str]) -> None:
    assert quoted(goal) == found


@pytest.mark.parametrize(
    ("goal", "found"),
    [
        ("answer them in informal Dutch", ["answer", "them", "answer them", "informal", "Dutch", "informal Dutch"]),
        ("warmly, and briefly", ["warmly", "briefly"]),
        ("very very long words", ["very", "very very", "long", "very long", "very very long", "words", "long words",
                                  "very long words"]),
        ("reply (in Dutch)", ["reply", "Dutch"]),
        ("room 7 or the 3rd", ["room"]),
        ("to us all", []),
        ("", []),
    ],
)  # fmt: skip
def test_phrases_are_runs_of_up_to_three_words_that_say_something(goal: str, found: list[str]) -> None:
    assert phrases(goal) == found


def test_no_goal_has_more_phrases_than_are_asked_for() -> None:
    assert len(phrases("word other more than enough " * 900)) <= 24
    assert phrases("one black cat and a white dog", most=3) == ["black", "cat", "black cat"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("informal Dutch", "mails I got into informal Dutch and leave out my"),
        ("informal dutch and", "mails I got into informal Dutch and leave out my name"),
        ("translate", "Translate the mails I got"),
        ("all my name", ""),
        ("name", "and leave out my name"),
    ],
)
def test_what_is_around_words_is_four_on_either_side_as_the_goal_says_them(words: str, found: str) -> None:
    goal = "Translate the mails I got into informal Dutch and leave out my name"
    assert around(goal, words) == found


@pytest.mark.parametrize(
    ("goal", "words", "found"),
    [
        ("Straße words into French answer", "French", "Straße words into French answer"),
        ("the Start of art here", "art", "the Start of art here"),
        ("the Start only", "art", ""),
    ],
)
def test_what_is_around_words_is_around_whole_words(goal: str, words: str, found: str) -> None:
    assert around(goal, words) == found
