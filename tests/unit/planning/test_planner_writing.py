"""The writing that the planner is trained on: all of it is there, its plans mean something, what is held out is."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from specialists.catalog import load_catalog
from specialists.offers import offers
from specialists.planning.normal.normal import normal
from specialists.planning.offers.offer import FUNCTIONS
from specialists.planning.offers.request import Request
from specialists.training.planning.sets.sets import REFUSED, Asked, load_set
from specialists.training.planning.writing.naming import Naming, bare, offer_of
from specialists.training.planning.writing.offers import Offers
from specialists.training.planning.writing.writing import (
    FOLDER,
    HELD_OUT_WRITERS,
    SHIPPED_DOMAIN,
    WritingError,
    WrittenGoal,
    load_writing,
)

pytestmark = pytest.mark.slow

WRITING = load_writing()
OFFERS = Offers(WRITING, offers(load_catalog(adapters=False)))


@cache
def asked_of(name: str) -> list[Asked]:
    """A set is made from all of the writing, which takes seconds."""
    return load_set(name)


def faults(goal: WrittenGoal, naming: Naming) -> list[str]:
    """Of the goal's plan under these names."""
    request = OFFERS.request(goal, naming)
    found = []
    for use in normal(naming.steps(goal.steps or []), request).uses:
        offer = request.by_name.get(use.type)
        given = {name for name, _ in use.arguments}
        if offer is None:
            found.append(f"{use.type} is not on offer")
        elif not {each.name for each in offer.required} <= given <= {each.name for each in offer.parameters}:
            found.append(f"{use.type} is given {sorted(given)}")
    return found


def test_all_of_the_writing_is_there() -> None:
    assert [len(rows) for rows in (WRITING.types, WRITING.goals, WRITING.asks, WRITING.values)] == [882, 8443, 152, 340]
    assert sum(goal.steps is None for goal in WRITING.goals) == 1103
    assert len(WRITING.by_domain) == 143
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 2_000_000


def test_every_plan_has_a_normal_form_and_gives_its_job_types_what_they_need() -> None:
    draw = Random(1)
    for goal in WRITING.goals:
        assert faults(goal, OFFERS.plain(goal)) == [], goal.goal
        assert faults(goal, OFFERS.masked(goal, draw)) == [], goal.goal


def test_a_refusal_says_why() -> None:
    assert [goal.goal for goal in WRITING.goals if (goal.steps is None) != bool(goal.why)] == []


def test_nothing_that_a_held_out_writer_wrote_or_made_up_is_learnt() -> None:
    learnt = WRITING.learnt()
    rows: list[Any] = [*learnt.types, *learnt.goals, *learnt.asks, *learnt.values]
    assert not {row.writer for row in rows} & HELD_OUT_WRITERS
    made_up = {each.domain for each in WRITING.types if each.writer in (7, 8, 47, 48)}
    assert len(made_up) == 31
    assert not {row.domain for row in learnt.types} & made_up
    assert not {row.domain for row in learnt.goals} & made_up
    assert {goal.writer for goal in WRITING.held_out().goals} == HELD_OUT_WRITERS


def test_no_goal_is_both_learnt_and_held_out() -> None:
    tests = {asked.goal for name in ("held-out", "held-out-shipped", "test") for asked in asked_of(name)}
    assert not {goal.goal for goal in WRITING.learnt().goals} & tests


def test_names_in_a_catalog_are_different_and_none_is_that_of_a_function() -> None:
    for domain, types in WRITING.by_domain.items():
        names = [each.name for each in types]
        assert len(set(names)) == len(names), domain
        assert not set(names) & FUNCTIONS, domain


@pytest.mark.parametrize(("name", "count", "refused"), [("held-out", 1452, 156), ("held-out-shipped", 619, 72)])
def test_held_out_sets_are_the_goals_of_held_out_writers(name: str, count: int, refused: int) -> None:
    asked = asked_of(name)
    assert (len(asked), sum(each.kind == REFUSED for each in asked)) == (count, refused)
    assert all(each.is_right(plan) for each in asked for plan in each.plans)


def test_the_test_catalogs_are_four_and_every_goal_names_one_of_their_job_types() -> None:
    asked = asked_of("test")
    assert Counter(each.id[:-2] for each in asked) == dict.fromkeys(("apiary", "foundry", "lettings", "parish"), 24)
    for each in asked:
        request: Request = each.request
        assert len(request.chosen_from) == 8 + len(OFFERS.models)
        for plan in each.plans:
            assert each.is_right(plan)
            assert normal(plan, request).types <= {offer.name for offer in request.chosen_from}


def test_what_is_measured_says_no_more_of_a_field_than_most_catalogs_do() -> None:
    for asked in load_set("held-out", limit=20):
        assert all(offer == bare(offer) for offer in asked.offers if not offer["function"])
    assert any(offer_of(each) != bare(offer_of(each)) for each in WRITING.types)


def test_goals_of_what_ships_are_over_the_shipped_job_types() -> None:
    goal = next(goal for goal in WRITING.goals if goal.domain == SHIPPED_DOMAIN)
    shipped = {"call", "command", "entities", "issue", "log", "receipt", "route", "triage"}
    assert {offer["name"] for offer in OFFERS.plain(goal).offers} == shipped
    assert {offer["name"] for offer in OFFERS.functions} == FUNCTIONS


def test_a_line_that_is_no_goal_is_named(tmp_path: Path) -> None:
    for path in FOLDER.glob("*.jsonl.gz"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "goals.jsonl.gz").unlink()
    with pytest.raises(WritingError, match=r"goals\.jsonl\.gz: there is no such file.*--writing"):
        load_writing(tmp_path)
    with pytest.raises(WritingError, match="unknown set 'hold-out'; known: held-out, held-out-shipped, test"):
        load_set("hold-out")
