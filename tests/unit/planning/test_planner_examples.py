"""What the planner's matcher is taught: right answers are right, and job types are known by no name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from specialists.catalog import load_catalog
from specialists.offers import offers
from specialists.planning.normal.normal import normal
from specialists.planning.offers.offer import FUNCTIONS
from specialists.training.planning.cases.epochs import Epochs, Shares
from specialists.training.planning.cases.examples import Branch, Case, GoalCases
from specialists.training.planning.cases.lessons import batch_of, batches, by_task
from specialists.training.planning.cases.parts import field_at, parts
from specialists.training.planning.cases.sources import bind_texts
from specialists.training.planning.writing.naming import masked, offer_of, without_abouts
from specialists.training.planning.writing.offers import Offers, planner_input, sample_of
from specialists.training.planning.writing.writing import Writing, WrittenGoal, load_writing

WRITING = load_writing()
OFFERS = Offers(WRITING, offers(load_catalog(adapters=False)))
SOME = Random(7).sample(list(WRITING.learnt().goals), 60)


class Letters:
    """A tokenizer of one token a character."""

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [[ord(letter) for letter in text] for text in texts]


def goal_with(function: str) -> WrittenGoal:
    return next(g for g in WRITING.goals if g.steps and any(step["type"] == function for step in g.steps))


def asked(goal: WrittenGoal) -> tuple[Any, Any]:
    request = OFFERS.request(goal, OFFERS.plain(goal))
    return request, normal(goal.steps or [], request)


def test_masked_job_types_keep_apart_and_take_no_functions_name() -> None:
    draw = Random(1)
    for types in WRITING.by_domain.values():
        naming = masked(types, draw)
        names = [offer["name"] for offer in naming.offers]
        assert len(set(names)) == len(names)
        assert not set(names) & FUNCTIONS
        for written, name in zip(types, names, strict=True):
            assert naming.names.get(written.name, written.name) == name
            assert name in (written.name, *written.aliases) or name.startswith("type_")


def test_a_masked_plan_does_the_same_under_other_names() -> None:
    draw = Random(2)
    for goal in SOME:
        if goal.steps is None:
            continue
        naming = OFFERS.masked(goal, draw)
        back = {shown: written for written, shown in naming.names.items()}
        steps = naming.steps(goal.steps)
        assert [{**step, "type": back.get(step["type"], step["type"])} for step in steps] == goal.steps
        wanted, found = asked(goal)[1], normal(steps, OFFERS.request(goal, naming))
        assert len(found.uses) == len(wanted.uses)
        assert {operation.function for operation in found.operations} == {o.function for o in wanted.operations}


def test_abouts_are_left_out_of_schemas_and_fields_called_description_are_not() -> None:
    schema = {"type": "object", "properties": {"description": {"type": "string", "description": "of the damage"}}}
    assert without_abouts(schema) == {"type": "object", "properties": {"description": {"type": "string"}}}


def test_the_planner_is_shown_how_inputs_begin() -> None:
    assert sample_of({"notes": ["a" * 200, "b", "c"], "n": 3}) == {"notes": ["a" * 160, "b"], "n": 3}
    told = planner_input("count", {"notes": ["a"]}, [])["inputs"]["notes"]
    assert told == {"schema": {"type": "array", "items": {"type": "string"}}, "sample": ["a"]}


def test_parts_are_right_or_wrong_never_both_and_what_the_plan_selects_by_is_right() -> None:
    for goal in [goal_with("filter"), goal_with("sort"), *SOME]:
        request, plan = asked(goal)
        found = parts(request, plan if goal.steps else None, Random(3))
        said = [text for text, _ in found]
        assert len(set(said)) == len(said) <= 16
        has_parts = any(field_at(request, each.source, each.field) for each in plan.operations)
        assert any(right for _, right in found) or not has_parts
    assert not any(right for _, right in parts(request, None, Random(3)))


def test_the_first_source_is_the_right_one_and_no_text_is_twice() -> None:
    found = [each for goal in SOME if goal.steps for each in bind_texts(*asked(goal), Random(4))]
    assert len(found) > 40
    for _, said in found:
        assert [right for _, right in said] == [True] + [False] * (len(said) - 1)


def test_a_goal_teaches_which_job_types_do_it_and_where_their_arguments_are_from() -> None:
    cases = GoalCases(OFFERS, [offer_of(each) for each in WRITING.learnt().types])
    for goal in SOME:
        first, *rest = cases.drawn(goal, Random(5))
        used = {step["type"] for step in goal.steps or []} - FUNCTIONS
        assert sum(branch.right for branch in first.branches if branch.task == "type") == len(used)
        assert all(branch.task == "bind" for case in rest for branch in case.branches)


def test_nothing_is_said_of_job_types_where_only_an_input_is_missing() -> None:
    goal = next(goal for goal in WRITING.goals if goal.steps is None and "no input" in goal.why.casefold())
    [case] = GoalCases(OFFERS).whole(goal, Random(6))
    assert {branch.task for branch in case.branches} <= {"part"}
    other = replace(goal, why="No type does this.")
    assert "type" in {branch.task for branch in GoalCases(OFFERS).whole(other, Random(6))[0].branches}


def test_an_epoch_reads_goals_asks_and_values_and_is_the_same_for_the_same_draw() -> None:
    learnt = WRITING.learnt()
    few = Writing(learnt.types[:6], SOME[:5], learnt.asks[:2], learnt.values[:3])
    epochs = Epochs(few, OFFERS, Shares(values=1.0))
    once, again = epochs.epoch(Random(11)), epochs.epoch(Random(11))
    assert once == again
    tasks = {branch.task for case in once for branch in case.branches}
    assert tasks == {"type", "part", "bind"}


@pytest.mark.parametrize("most", [60, 500])
def test_batches_hold_every_case_once_and_no_more_characters_than_they_may(most: int) -> None:
    draw = Random(12)
    cases = [Case("a" * draw.randrange(1, 50), [Branch("type", "b", True)]) for _ in range(300)]
    found = list(batches(cases, most, Random(13)))
    assert sorted(len(case.prefix) for batch in found for case in batch) == sorted(len(case.prefix) for case in cases)
    assert all(sum(len(case.prefix) + 1 for case in batch) <= most for batch in found)
    assert len(found) < len(cases)


def test_a_case_that_is_too_long_for_a_batch_has_one_of_its_own_and_one_without_branches_has_none() -> None:
    long, empty = Case("a" * 100, [Branch("type", "b", True)]), Case("a", [])
    assert list(batches([long, empty, long], 60, Random(14))) == [[long], [long]]


def test_a_batch_has_each_text_once_as_tokens() -> None:
    first = Case("a", [Branch("type", "b", True), Branch("part", "cc", False)])
    second = Case("a", [Branch("type", "b", False)])
    batch = batch_of([first, second], Letters())
    assert batch.places == {"a": 0, "b": 1, "cc": 2}
    assert (batch.tokens, batch.length) == ([[97], [98], [99, 99]], 4)


def test_branches_are_told_by_what_they_are_matched_for() -> None:
    branches = [Branch("type", "b", True), Branch("part", "c", False), Branch("type", "d", False)]
    assert by_task(Case("a", branches)) == {"type": [branches[0], branches[2]], "part": [branches[1]]}
