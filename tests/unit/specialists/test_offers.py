"""Offers: what the planner is told of job types, and which ones it is told of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from specialists.catalog import Catalog
from specialists.offers import offer, offers
from tests.support.story import CATALOG, with_fallback


def names(catalog: Catalog) -> set[str]:
    return {each["name"] for each in offers(catalog)}


def test_an_offer_has_the_whole_schemas_and_says_whether_it_is_a_function_of_ours() -> None:
    triage, count = CATALOG.get("triage"), CATALOG.get("count")
    assert offer(triage) == {
        "name": "triage",
        "description": triage.manifest.description,
        "input": triage.input_schema,
        "output": triage.output_schema,
        "function": False,
    }
    assert offer(count)["function"] is True


def test_a_function_from_another_folder_is_none_of_ours(tmp_path: Path) -> None:
    assert offer(replace(CATALOG.get("count"), folder=tmp_path / "count"))["function"] is False


def test_the_planner_is_not_offered_nor_what_says_that_it_is_not() -> None:
    triage = CATALOG.get("triage")
    hidden = replace(triage, manifest=triage.manifest.model_copy(update={"planned": False}))
    assert "planner" not in names(CATALOG)
    assert "triage" not in names(Catalog([*(each for each in CATALOG if each.name != "triage"), hidden]))


def test_a_fallback_is_not_offered_beside_what_it_answers_for() -> None:
    catalog = with_fallback("triage", "large")
    assert "triage" in names(catalog)
    assert "large" not in names(catalog)
