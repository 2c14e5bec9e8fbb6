"""Alternatives: what an outcome tells of the likeliest values of its labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specialists.confidence import Calibration
from specialists.specialist import Specialist
from tests.support.story import CATALOG
from workers.alternatives import alternatives_of
from workers.attempt import confidence_of

TRIAGE = CATALOG.get("triage")
Ranked = dict[str, tuple[tuple[str, float], ...]]
RANKED: Ranked = {"intent": (("card_arrival", 0.6), ("lost_or_stolen_card", 0.3), ("exchange_rate", 0.05))}


def calibrated(calibration: Calibration | None) -> Specialist:
    return replace(TRIAGE, manifest=TRIAGE.manifest.model_copy(update={"confidence": calibration}))


def told(specialist: Specialist, ranked: Ranked) -> list[tuple[str, float]]:
    found = alternatives_of(specialist, ranked)
    assert found
    [pairs] = found.values()
    return [(each.value, each.probability) for each in pairs]


def test_the_value_of_the_output_has_the_outcomes_confidence() -> None:
    specialist = calibrated(Calibration(scale=0.5, shift=0.3))

    found = told(specialist, RANKED)

    assert [value for value, _ in found] == ["card_arrival", "lost_or_stolen_card", "exchange_rate"]
    assert found[0][1] == confidence_of(specialist, 0.6)


def test_without_a_calibration_the_models_own_probabilities_are_told() -> None:
    assert [p for _, p in told(calibrated(None), RANKED)] == [0.6, 0.3, 0.05]


def test_one_field_among_several_is_told_as_the_model_has_it() -> None:
    schema = TRIAGE.output_schema
    properties = schema["properties"] | {"urgent": {"enum": ["yes", "no"]}}
    both = replace(calibrated(Calibration(scale=0.5)), output_schema=schema | {"properties": properties})

    found = alternatives_of(both, RANKED | {"urgent": (("no", 0.9), ("yes", 0.1))})

    assert found
    assert [each.probability for each in found["intent"]] == [0.6, 0.3, 0.05]
    assert [(each.value, each.probability) for each in found["urgent"]] == [("no", 0.9), ("yes", 0.1)]


def test_where_a_head_abstains_though_a_label_is_likelier_the_label_comes_first() -> None:
    found = told(calibrated(None), {"intent": (("unknown", 0.2), ("card_arrival", 0.7))})

    assert found == [("card_arrival", 0.7), ("unknown", 0.2)]


@pytest.mark.parametrize("ranked", [None, {}])
def test_what_was_not_asked_for_is_not_told(ranked: Ranked | None) -> None:
    assert alternatives_of(TRIAGE, ranked) is None


def test_an_untrained_model_tells_none_as_it_has_no_confidence() -> None:
    untrained = replace(TRIAGE, manifest=TRIAGE.manifest.model_copy(update={"adapter": None}))

    assert alternatives_of(untrained, RANKED) is None
    assert confidence_of(untrained, 0.6) is None


@given(
    st.lists(st.floats(-20, 20), min_size=1, max_size=20),
    st.builds(Calibration, scale=st.floats(0.05, 5), shift=st.floats(-5, 5)),
)
def test_the_likeliest_comes_first_and_the_sum_is_never_above_one(odds: list[float], calibration: Calibration) -> None:
    parts = sorted((2.0**each for each in odds), reverse=True)
    ranked = tuple((str(n), part / sum(parts)) for n, part in enumerate(parts))

    found = told(calibrated(calibration), {"intent": ranked})

    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert all(0 <= p <= 1 for _, p in found)
    assert sum(p for _, p in found) <= 1 + 1e-9
    assert found[0][1] == confidence_of(calibrated(calibration), ranked[0][1])
