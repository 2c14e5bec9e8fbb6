"""Planner: which answer its thresholds make of what it is sure of, and that each is an output of its job type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.planning.reader import DigestReader
from coordinator.plans.planner_input import planner_input
from specialists.planning.offers.request import read_request
from specialists.planning.parts.candidate import Candidate
from specialists.planning.planner import ALTERNATIVES, Planner
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.ranking.ranking import AS_FOUND, ranked
from specialists.planning.reading.reading import SHORTLIST
from specialists.planning.search.search import search
from specialists.specialist import Specialist
from tests.support.mind import (
    ENTITIES,
    LOOKUP,
    SCORE,
    TEXT,
    TRANSLATE,
    TRIAGE,
    Mind,
    catalog_of,
    job_type,
    record,
    request_of,
)
from tests.support.story import CATALOG

Json = dict[str, Any]
TYPES = (TRIAGE, SCORE, ENTITIES, TRANSLATE, LOOKUP)
MAILS = ["my card is lost", "where is my money"]
PLANNER = CATALOG.get("planner")
#: The confidence is the first plan's score through a sigmoid, and so is whether it is possible at all.
EVEN = Calibration(right={"score": 1.0}, feasible={"score": 1.0})


def faults(output: Json) -> list[str]:
    from specialists.schemas import value_faults

    return value_faults(output, PLANNER.output_schema, "output")


def answered(score: float, ask_below: float = 0.0, refuse_below: float = 0.0, found: bool = True) -> Json:
    """The answer to a goal whose likeliest plan has that score, and each one after it a score that is 1 less."""
    thought = Mind(request_of(TYPES, mails=MAILS)).uses("triage", text=("item", "mails")).wants("filter")
    thought.selects("triage", "intent", "equals", "lost_card", words="lost their card")
    candidates = search(thought.request, thought.beliefs) if found else []
    as_found = ranked(thought.request, thought.beliefs, candidates, AS_FOUND)
    plans = [each._replace(score=score - n) for n, each in enumerate(as_found)]
    calibration = replace(EVEN, ask_below=ask_below, ask_below_new=ask_below, refuse_below=refuse_below)
    output = Planner(DigestReader(), calibration).answer(thought.request, thought.beliefs, plans)
    assert faults(output) == []
    return output


@pytest.mark.parametrize(
    ("score", "ask_below", "refuse_below", "answer"),
    [
        (3.0, 0.0, 0.0, "plan"),
        (3.0, 0.9, 0.2, "plan"),
        (1.0, 0.9, 0.2, "unsure"),
        (-3.0, 0.9, 0.2, "refused"),
        (-3.0, 0.0, 0.2, "refused"),
        (-3.0, 0.0, 0.0, "plan"),
    ],
)
def test_what_it_answers_depends_on_both_thresholds(
    score: float, ask_below: float, refuse_below: float, answer: str
) -> None:
    assert answered(score, ask_below, refuse_below)["answer"] == answer


def test_a_plan_comes_with_the_next_likeliest_and_no_reason() -> None:
    output = answered(3.0)
    assert len(output["plans"]) == ALTERNATIVES
    assert output["reason"] == ""
    assert output["confidence"] == output["plans"][0]["confidence"] == pytest.approx(0.9526, abs=1e-4)


def test_the_plans_behind_the_first_one_are_as_much_less_likely_as_their_scores_say() -> None:
    confidences = [plan["confidence"] for plan in answered(1.0)["plans"]]
    assert confidences == pytest.approx([0.7311, 0.7311 / math.e, 0.7311 / math.e**2], abs=1e-4)


def test_an_unsure_answer_says_so_and_shows_plans_in_words() -> None:
    output = answered(1.0, ask_below=0.9)
    assert "more than one way" in output["reason"]
    assert "for each of mails: triage (For tests.)" in output["plans"][0]["words"]


def test_a_value_is_shown_with_the_words_that_it_was_grounded_from() -> None:
    (grounded,) = answered(3.0)["plans"][0]["grounded"]
    assert grounded == {"step": "s3", "argument": "equals", "value": "lost_card", "from": "lost their card"}


def test_a_refusal_names_what_is_nearest_and_has_no_plans() -> None:
    output = answered(-3.0, refuse_below=0.2)
    assert (output["answer"], output["plans"]) == ("refused", [])
    assert "triage" in output["reason"]


def test_without_a_candidate_it_is_refused_whatever_the_thresholds() -> None:
    assert answered(9.0, found=False)["answer"] == "refused"


def test_without_a_job_type_it_says_that_there_is_none() -> None:
    output = Planner(DigestReader()).plan({"goal": "sort my mails", "inputs": {}, "job_types": []})
    assert faults(output) == []
    assert (output["answer"], output["reason"]) == ("refused", "no job type is on offer")


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("thresholds", [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], ids=["plan", "unsure", "refused"])
def test_whatever_the_scores_the_output_is_one_of_its_job_type(seed: int, thresholds: tuple[float, float]) -> None:
    calibration = Calibration(ask_below=thresholds[0], refuse_below=thresholds[1])
    goal = 'Sort the mails, keep those that say "card arrival" over 50, and count the top 3 of Berlin since 2026-01-31'
    asked = planner_input(goal, {"mails": MAILS, "orders": [{"city": "Rome", "paid": 3}]}, catalog_of(*TYPES))
    output = Planner(DigestReader(seed), calibration).plan(asked)
    assert faults(output) == []
    if output["answer"] != "refused":
        assert output["plans"]
    assert PLANNER.input_faults(asked) == []


def test_the_same_goal_is_answered_the_same_by_one_planner_and_by_another() -> None:
    asked = planner_input("sort the mails by intent", {"mails": MAILS}, catalog_of(*TYPES))
    planner = Planner(DigestReader(3))
    assert planner.plan(asked) == planner.plan(asked) == Planner(DigestReader(3)).plan(asked)


class Listening(DigestReader):
    """Remembers which job types it was asked to score."""

    def __init__(self) -> None:
        super().__init__()
        self.types: list[str] = []

    def read(self, prefix: str, texts: Sequence[str], task: str) -> list[float]:
        self.types += texts if task == "type" else ()
        return super().read(prefix, texts, task)


def many(count: int) -> list[Specialist]:
    return [job_type(f"type_{n}", record(text=TEXT), record(answer=TEXT)) for n in range(count)]


def test_of_many_job_types_a_shortlist_is_scored_and_what_the_goal_names_is_on_it() -> None:
    reader = Listening()
    types = [*many(60), job_type("weigh_mail", record(text=TEXT), record(grams=TEXT))]
    Planner(reader).plan(planner_input("please weigh mail for me", {"mails": MAILS}, catalog_of(*types)))
    assert SHORTLIST <= len(reader.types) <= SHORTLIST + 1
    assert any(text.startswith("weigh mail:") for text in reader.types)


def test_an_order_that_was_fitted_puts_plans_in_another_order_than_the_search() -> None:
    request = read_request(planner_input("sort", {"mails": MAILS}, catalog_of(*TYPES)))
    _, as_found = Planner(DigestReader()).weigh(request)
    _, shortest = Planner(DigestReader(), Calibration(order={"steps": -1.0})).weigh(request)
    assert [each.candidate.score for each in as_found] == sorted((e.candidate.score for e in as_found), reverse=True)
    lengths = [len(each.candidate.steps) for each in shortest]
    assert lengths == sorted(lengths)
    assert shortest[0].candidate.steps != as_found[0].candidate.steps
    assert {told(each.candidate) for each in shortest} == {told(each.candidate) for each in as_found}


def told(candidate: Candidate) -> str:
    return str(candidate.steps)


def test_a_kept_answer_is_of_the_same_goal_inputs_and_offers_alone() -> None:
    reader = Listening()
    planner = Planner(reader)
    once = planner_input("sort the mails", {"mails": MAILS}, catalog_of(*TYPES))
    planner.plan(once)
    read = len(reader.types)
    assert planner.plan({**once, "goal": " sort the mails "})["plans"]
    assert len(reader.types) == read == len(TYPES)
    planner.plan({**once, "goal": "Sort the mails"})
    assert len(reader.types) == 2 * read
    planner.plan(planner_input("sort the mails", {"mails": MAILS}, catalog_of(*TYPES[:3])))
    assert len(reader.types) == 2 * read + 3
    planner.plan(planner_input("sort the mails", {"mails": ["other words"]}, catalog_of(*TYPES[:3])))
    assert len(reader.types) == 2 * read + 6  # what is seen of an input decides too
