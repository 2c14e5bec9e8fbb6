"""The report: what is known of each specialist is on the page, what is not is named, and nothing carries over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specialists.catalog import load_catalog
from specialists.manifest import Manifest
from specialists.measuring.facts import (
    FACTS,
    Budget,
    Compared,
    Confidence,
    Coverage,
    Facts,
    FactsError,
    Measured,
    Trained,
    WithFallback,
)
from specialists.measuring.report import Entry, Rate, Reference, ReportError, entries_of, load_edge, load_references
from specialists.measuring.report_page import as_html, as_markdown
from specialists.measuring.report_sections import sections

MANIFEST = Manifest.model_validate(
    {
        "name": "mood",
        "version": "1.0.0",
        "description": "Says how a text sounds.",
        "engine": "transformers",
        "base": {"name": "small"},
        "decoding": {"format": "lines"},
    }
)
MEASURED = Measured(
    data="dev.jsonl", date="2026-11-28", n=200, metrics={"accuracy": 91.5, "macro_f1": 88.0},
    intervals={"accuracy": (88.1, 94.9), "macro_f1": (84.0, 92.0)}, valid_share=100.0, tokens_in=40, tokens_out=3,
    jobs_per_s=50.0, device="2 cores",
    confidence=Confidence(error_raw=9.5, error=2.5, coverage=(Coverage(coverage=100, threshold=0.1, right=91.5),)),
    compared=(Compared(who="majority <1>", metrics={"accuracy": 12.3}, n=200),),
)  # fmt: skip
TRAINED = Trained(base="small", examples=900, options="rank 8", minutes=7.2, device="2 cores", date="2026-11-27")
REFERENCE = Reference(who="Big | model", metric="accuracy", value=84.4)


def page(*entries: Entry, price: float | None = None) -> tuple[str, str]:
    parts = sections(entries, price)
    return as_markdown("Page", parts), as_html("Page", parts)


def test_a_fallback_stands_beside_the_specialist_alone() -> None:
    with_fallback = WithFallback(
        to="mood_large", below=0.8, share=12.5, metrics={"accuracy": 95.0}, intervals={"accuracy": (92.0, 98.0)},
        jobs_per_s=30.0,
    )  # fmt: skip
    measured = MEASURED.model_copy(update={"with_fallback": with_fallback})
    text, _ = page(Entry("mood", MANIFEST, Facts(measured=measured), [REFERENCE]))
    assert "| mood | mood_large | 0.8 | 12.5 | accuracy | 91.5 | 95.0 | 92.0 to 98.0 | 50.0 | 30.0 |" in text
    assert "With a fallback" not in page(Entry("mood", MANIFEST, Facts(measured=MEASURED), []))[0]


def test_what_one_worker_for_all_takes_stands_under_edge(tmp_path: Path) -> None:
    figures = tmp_path / "one-base.json"
    sides = [
        {"side": "one worker", "specialists": 9, "jobs_per_s": 4.5, "rounds": [4, 5], "peak_mib": 2100, "ready_s": 9}
    ]
    figures.write_text(json.dumps(sides))
    text = as_markdown("Page", sections([], None, edge=load_edge(figures)))
    assert "| one worker | 9 | 4.5 | 2,100 |" in text
    figures.write_text('[{"side": "x"}]')
    with pytest.raises(ReportError, match=r"one-base.json: no figures of benchmarks.one_base: 5 faults"):
        load_edge(figures)


def test_scores_stand_with_their_interval_beside_references_and_baselines() -> None:
    text, hypertext = page(Entry("mood", MANIFEST, Facts(measured=MEASURED, trained=TRAINED), [REFERENCE]))

    assert "| mood | accuracy | 91.5 | 88.1 to 94.9 | 200 | 100.0 | 84.4 Big / model |" in text
    assert "| mood | accuracy | 91.5 | 12.3 |" in text
    assert "| mood | 9.5 | 2.5 | 91.5 |" in text
    assert "| mood | 900 | 7 |  | 2 cores | rank 8 | 2026-11-27 |" in text
    assert "<th>majority &lt;1&gt;</th>" in hypertext


def test_who_was_compared_on_fewer_examples_has_their_number_beside_the_score() -> None:
    few = MEASURED.model_copy(update={"compared": (Compared(who="base", metrics={"accuracy": 1.5}, n=100),)})
    text, _ = page(Entry("mood", MANIFEST, Facts(measured=few), [REFERENCE]))
    assert "| mood | accuracy | 91.5 | 1.5 (of 100) |" in text


def test_a_price_makes_it_say_what_a_thousand_jobs_cost() -> None:
    entry = Entry("mood", MANIFEST, Facts(measured=MEASURED), [])

    assert "| mood | 40 | 3 | 50.0 | 0.0020 | 2 cores |" in page(entry, price=0.36)[0]
    assert "| mood | 40 | 3 | 50.0 | 2 cores |" in page(entry)[0]


def test_who_was_not_measured_is_named() -> None:
    text, _ = page(Entry("mood", MANIFEST, Facts(), []))

    assert "Not measured yet: mood." in text


def test_facts_are_kept_and_read_back(tmp_path: Path) -> None:
    facts = Facts(trained=TRAINED, measured=MEASURED, budgets=(Budget(examples=100, minutes=1, metrics={"exact": 5}),))
    facts.save(tmp_path)

    assert Facts.load(tmp_path) == facts
    assert Facts.load(tmp_path / "nowhere") == Facts()


def test_facts_that_do_not_read_say_which(tmp_path: Path) -> None:
    (tmp_path / FACTS).write_text('{"measured": {"n": "many"}}')

    with pytest.raises(FactsError, match=rf"{tmp_path.name}/facts.json: .*measured.n: "):
        Facts.load(tmp_path)


def test_a_new_adapter_was_not_measured_yet() -> None:
    facts = Facts(trained=TRAINED, measured=MEASURED).with_training(TRAINED)

    assert facts.measured is None


def test_who_was_compared_on_the_same_examples_stays_until_compared_anew() -> None:
    facts = (
        Facts()
        .with_measure(MEASURED)
        .with_compared(Compared(who="base", metrics={"accuracy": 1}, n=200), MEASURED.data)
    )
    again = MEASURED.model_copy(update={"compared": (Compared(who="majority <1>", metrics={"accuracy": 13}, n=200),)})

    kept = facts.with_measure(again).measured
    other = facts.with_measure(again.model_copy(update={"data": "other.jsonl"})).measured

    assert kept
    assert {each.who: each.metrics["accuracy"] for each in kept.compared} == {"majority <1>": 13, "base": 1}
    assert other
    assert [each.who for each in other.compared] == ["majority <1>"]
    assert facts.with_compared(Compared(who="other", metrics={}, n=5), "other.jsonl") == facts


def test_a_point_of_the_curve_takes_the_place_of_an_earlier_one() -> None:
    facts = Facts()
    for count, score in ((300, 70), (100, 40), (300, 75)):
        facts = facts.with_budget(Budget(examples=count, minutes=1, metrics={"accuracy": score}))

    assert [(each.examples, each.metrics["accuracy"]) for each in facts.budgets] == [(100, 40), (300, 75)]


def test_the_adapter_that_ships_is_a_point_of_the_curve() -> None:
    few = Budget(examples=TRAINED.examples // 2, minutes=1, metrics={"accuracy": 50.0, "macro_f1": 80.0})
    more = Budget(examples=TRAINED.examples * 2, minutes=1, metrics={"accuracy": 92.0, "macro_f1": 90.0})
    facts = Facts(trained=TRAINED, measured=MEASURED, budgets=(few, more))

    assert facts.curve == (few, facts.ships, more)
    assert facts.curve[1].metrics == MEASURED.metrics
    assert Facts(trained=TRAINED, measured=MEASURED).curve == ()
    assert Facts(budgets=(few,)).curve == (few,)
    text, _ = page(Entry("mood", MANIFEST, facts, []))
    assert "| mood | 900 (ships) | 7 | accuracy 91.5, macro_f1 88.0 |" in text


def test_enough_is_the_fewest_examples_that_come_near_in_every_score() -> None:
    half = Budget(examples=450, minutes=3.4, metrics={"accuracy": 85.0, "macro_f1": 70.0})
    facts = Facts(trained=TRAINED, measured=MEASURED, budgets=(half,))

    assert facts.enough_for(0.9) == facts.ships
    assert facts.enough_for(0.7) == half
    assert Facts(trained=TRAINED, measured=MEASURED).enough_for(0.9) is None
    near = Budget(examples=450, minutes=3.4, metrics={"accuracy": 85.0, "macro_f1": 80.0})
    text, _ = page(Entry("mood", MANIFEST, Facts(trained=TRAINED, measured=MEASURED, budgets=(near,)), []))
    assert "| mood | 900 | 7 | 450 examples, 3 minutes | 2 cores | rank 8 | 2026-11-27 |" in text


def test_a_curve_of_another_base_is_left_behind() -> None:
    few = Budget(examples=100, minutes=1, metrics={"accuracy": 50.0})
    facts = Facts(trained=TRAINED, budgets=(few,))

    assert facts.with_training(TRAINED).budgets == (few,)
    assert facts.with_training(TRAINED.model_copy(update={"base": "other"})).budgets == ()


def test_a_figure_says_of_how_many_examples_it_is_and_how_many_answers_were_valid() -> None:
    base = Compared(who="base", metrics={"accuracy": 1.5}, n=100, valid_share=34.0)
    measured = MEASURED.model_copy(update={"compared": (base,), "counts": {"macro_f1": 150}})
    text, _ = page(Entry("mood", MANIFEST, Facts(measured=measured), [REFERENCE]))

    assert "| mood | accuracy | 91.5 | 1.5 (of 100, 34 % valid) |" in text
    assert "| mood | macro_f1 | 88.0 | 84.0 to 92.0 | 150 |" in text
    assert "| mood | accuracy | 91.5 | 88.1 to 94.9 | 200 |" in text


def test_all_that_ships_has_an_entry() -> None:
    references = load_references()
    entries = entries_of(load_catalog(adapters=False), references)

    assert {"triage", "command", "entities", "route", "receipt"} <= {entry.name for entry in entries}
    assert as_html("Page", sections(entries, None)).count("<h2>") == 7


def test_a_price_of_others_is_of_as_many_tokens_and_says_how_many_times_it_is() -> None:
    entry = Entry("mood", MANIFEST, Facts(measured=MEASURED), [])
    text = as_markdown("Page", sections([entry], 0.36, rates=[Rate.of("a=b=5,25")]))

    # 50 jobs/s at 0.36 an hour: 0.002; 40,000 tokens read at 5 a million and 3,000 written at 25: 0.275
    assert "| mood | 40 | 3 | 50.0 | 0.0020 | 0.275 (138 times) | 2 cores |" in text
    assert "(a=b: 5 and 25)" in text


@pytest.mark.parametrize("text", ["5,25", "a=5", "a=5,x", "a=1,2,3"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match="give NAME=READ,WRITTEN"):
        Rate.of(text)
