"""The planner's made-up goals: what is held out stays out, and plans are what their words say."""

import pytest

from specialists.catalog import SHIPPED
from specialists.specialist import load_specialist
from specialists.training.goals import GoalsError, generate, quotable, wordings

TEXTS = ["my card is gone", "play some jazz", "Anna left Oslo"]


def test_no_held_out_wording_is_trained_on():
    trained = {goal.source for goal in generate(600, TEXTS, 1, held_out=False)}
    held = {goal.source for goal in generate(200, TEXTS, 1, held_out=True)}
    assert trained
    assert held
    assert not trained & held


def test_a_held_out_sentence_is_trained_on_in_no_shape():
    words = wordings()
    assert words.sentences.keys() == words.held_out.keys()
    held = {sentence for sentences in words.held_out.values() for sentence in sentences}
    trained = {sentence for sentences in words.sentences.values() for sentence in sentences}
    assert all(words.held_out.values())
    assert not held & trained


def test_goals_fit_the_planners_schemas_and_name_offered_job_types_only():
    planner = load_specialist(SHIPPED / "planner", adapters=False)
    for goal in generate(300, TEXTS, 2, held_out=False):
        assert not planner.input_faults(goal.input)
        assert planner.parse(planner.format.write(goal.output), goal.input) == goal.output
        assert {step["type"] for step in goal.output["steps"]} <= {offer["name"] for offer in goal.input["job_types"]}


def test_the_offers_of_shipped_job_types_say_what_their_schemas_say():
    offers = {o["name"]: o for g in generate(200, TEXTS, 3, held_out=False) for o in g.input["job_types"]}
    for name in ("triage", "entities", "command", "table", "count", "filter"):
        shipped = load_specialist(SHIPPED / name, adapters=False)
        assert set(offers[name]["params"]) == set(shipped.input_schema["properties"])
        assert set(offers[name]["returns"]) == set(shipped.output_schema["properties"])


def test_a_seed_makes_the_same_goals_again():
    assert list(generate(50, TEXTS, 4, held_out=False)) == list(generate(50, TEXTS, 4, held_out=False))


def test_texts_that_would_break_a_quotation_are_not_quoted():
    assert sorted(quotable(["fine", 'say "hi"', "two\nlines", "", "x" * 90], 1)) == ["fine"]


def test_more_goals_than_there_are_and_texts_that_cannot_be_quoted_are_refused(monkeypatch):
    monkeypatch.setattr("specialists.training.goals.PATIENCE", 3)
    with pytest.raises(GoalsError, match="give more --texts"):
        list(generate(10**6, TEXTS, 3, held_out=True))
    with pytest.raises(GoalsError, match="none of the texts can be quoted"):
        list(generate(1, [], 3, held_out=True))
