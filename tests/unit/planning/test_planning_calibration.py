"""calibration: what is told of the first plan beside the others, and what of it all makes a probability."""

from __future__ import annotations

import json

import pytest

from specialists.planning.evidence.logistic import logit
from specialists.planning.parts.candidate import Candidate
from specialists.planning.ranking.calibration import Calibration
from specialists.planning.ranking.first_plan import FEATURES, features_of, shares
from specialists.planning.ranking.ranking import AS_FOUND, Ranked, ranked
from specialists.planning.search.search import search
from tests.support.mind import LIKELY, SCORE, TRIAGE, Mind, request_of

MAILS = ["my card is lost", "where is my money"]


def plans_of(*scores: float) -> list[Ranked]:
    return [Ranked(Candidate(score, []), {}, score) for score in scores]


def triaged(*names: str) -> tuple[Mind, list[Ranked]]:
    thought = Mind(request_of([TRIAGE, SCORE], mails=MAILS)).uses("triage", text=("item", "mails")).wants(*names)
    candidates = search(thought.request, thought.beliefs)
    return thought, ranked(thought.request, thought.beliefs, candidates, AS_FOUND)


def told(thought: Mind, plans: list[Ranked]) -> dict[str, float]:
    return features_of(thought.request, thought.beliefs, plans)


@pytest.mark.parametrize("scores", [[0.0], [1.0, 1.0], [-3.0, -3.5, -700.0], [900.0, 899.0]])
def test_shares_come_to_1_and_are_in_the_order_of_the_scores(scores: list[float]) -> None:
    found = shares(plans_of(*scores))
    assert sum(found) == pytest.approx(1.0)
    assert found == sorted(found, reverse=True)


def test_a_plan_that_is_as_likely_as_the_first_one_has_as_large_a_share() -> None:
    assert shares(plans_of(2.0, 2.0)) == [0.5, 0.5]


def test_every_number_that_is_weighed_is_told() -> None:
    assert told(*triaged()).keys() == set(FEATURES)


def test_the_first_plan_is_told_beside_the_second() -> None:
    thought, as_found = triaged()
    plans = [each._replace(score=-1.5 * n) for n, each in enumerate(as_found)]
    features = told(thought, plans)
    assert (features["margin"], features["score"]) == (1.5, 0.0)
    assert features["share"] == pytest.approx(logit(shares(plans)[0]))
    assert features["candidates"] == pytest.approx(len(plans) / 10)
    alone = told(thought, plans[:1])
    assert (alone["margin"], alone["share"]) == (8.0, logit(1.0))


def test_what_is_believed_of_the_goal_is_told_beside_the_plan() -> None:
    features = told(*triaged("impossible"))
    assert (features["impossible"], features["best_type"]) == (logit(LIKELY), logit(LIKELY))
    assert told(*triaged())["impossible"] < 0


def test_a_likeliest_job_type_that_nothing_can_be_given_to_is_told() -> None:
    thought, plans = triaged()
    assert told(thought, plans)["lacking"] == 0.0
    lacking = Mind(request_of([TRIAGE, SCORE], mails=MAILS)).uses("score")
    lacking.also_binds("triage", "text", "item", "mails")
    assert told(lacking, plans)["lacking"] == 1.0


def test_probabilities_are_by_the_weights_of_each_model_and_its_constant() -> None:
    calibration = Calibration(right={"margin": 2.0, "": -1.0}, feasible={"": 0.0})
    features = dict.fromkeys(FEATURES, 0.0) | {"margin": 0.5}
    assert (calibration.confidence(features), calibration.possible(features)) == (0.5, 0.5)
    assert calibration.confidence(features | {"margin": 50.0}) == 1.0


def test_without_a_calibration_every_goal_is_planned_as_the_search_has_it() -> None:
    default = Calibration.read({})
    assert (default.ask_below, default.refuse_below, default.order, default.evidence) == (0.0, 0.0, AS_FOUND, {})


def test_a_calibration_survives_an_adapters_metadata() -> None:
    evidence = {"type": {"own": 0.5, "": -1.0}, "wants.count": {"own": 1.0}}
    calibration = Calibration({"": 1.0}, {"margin": 1.0}, 0.4, 0.3, 0.1, {"search": 0.5, "inputs": -2.0}, evidence)
    metadata = calibration.metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    assert Calibration.read(metadata | {"goal_names": "[]"}) == calibration


@pytest.mark.parametrize("saved", ["{", json.dumps({"search_weight": 0.3})], ids=["no JSON", "an older one"])
def test_metadata_that_is_no_calibration_is_an_error(saved: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        Calibration.read({"calibration": saved})
