"""Versions: a run keeps to the schemas that it began with, and says which nobody serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from coordinator.api.answers.views import goal_view, job_view
from coordinator.goals.answered_job import Followed
from coordinator.runs.run import Run
from coordinator.runs.versions import pinned, served_by, unserved, unserved_job, version_of
from infra.records import JobState, JobStatus, Provenance
from specialists.catalog import Catalog
from specialists.specialist import Specialist
from tests.support.answers import planned
from tests.support.story import CATALOG, INTENT, JOIN, SORT, Story, done, failed, goal_run, run_of

OLD = CATALOG.get("triage")


def another(version: str, **output: Any) -> Specialist:
    """A version of triage, with other outputs where some are given."""
    manifest = OLD.manifest.model_copy(update={"version": version})
    return replace(OLD, manifest=manifest, output_schema={**OLD.output_schema, **output})


def catalog_with(triage: Specialist) -> Catalog:
    return Catalog([*(each for each in CATALOG if each.name != "triage"), triage])


def begun(*steps: Any) -> Story:
    return Story(pinned(run_of(*steps), CATALOG))


def test_jobs_say_the_schemas_that_their_run_began_with() -> None:
    story = begun(SORT, JOIN)
    assert {job.schemas for job in story.jobs} == {OLD.schemas}

    story.catalog = catalog_with(another("2.0.0", description="other"))
    story.advance(*(done(job, INTENT) for job in story.jobs))
    assert {job.schemas for job in story.jobs} == {CATALOG.get("table").schemas}
    assert story.run.versions["triage"] == version_of(OLD)


def test_a_goal_in_words_is_held_to_the_versions_of_its_plan() -> None:
    story = Story(pinned(goal_run(), CATALOG))
    assert list(story.run.versions) == ["planner"]
    story.advance(done(story.jobs[0], planned(SORT)))
    assert {job.schemas for job in story.jobs} == {OLD.schemas}


def test_a_run_from_before_there_were_versions_asks_for_none() -> None:
    assert {job.schemas for job in Story(run_of(SORT)).jobs} == {None}


def test_another_version_with_the_same_schemas_is_told_by_who_answered() -> None:
    story = begun(SORT)
    provenance = Provenance(worker="w", specialist="triage@1.0.0", digest="d", engine="scripted")
    first, second, third = (done(job, INTENT).model_copy(update={"provenance": provenance}) for job in story.jobs)
    newer = second.model_copy(update={"provenance": provenance.model_copy(update={"specialist": "triage@1.1.0"})})
    story.advance(first, newer, third)
    view = goal_view(story.run, ())
    assert view["steps"]["s1"]["answered"] == {"triage@1.0.0": 2, "triage@1.1.0": 1}
    assert view["versions"]["triage"] == OLD.manifest.version


def test_a_run_that_is_taken_up_again_keeps_the_form_of_what_it_has() -> None:
    story = begun(SORT, JOIN)
    story.advance(done(story.jobs[0], INTENT), failed(story.jobs[1]))
    new = another("2.0.0", description="other")
    story.catalog = catalog_with(new)

    story.reopen()
    assert {job.schemas for job in story.jobs} == {OLD.schemas}

    story.advance(*map(failed, story.jobs))
    story.reopen("s1")  # all of it anew
    assert {job.schemas for job in story.jobs} == {new.schemas}


def test_what_nobody_serves_in_the_version_that_is_needed_is_said() -> None:
    run: Run = begun(SORT).run
    here = {"w1": {"serves": {"triage": "1.0.0"}, "schemas": {"triage": OLD.schemas}}}
    there = {"w2": {"serves": {"triage": "2.0.0"}, "schemas": {"triage": "other"}}}
    needs = {"type": "triage", "version": OLD.manifest.version}

    assert unserved(run, served_by(here | there)) == []
    assert unserved(run, served_by(there)) == [{**needs, "served": ["2.0.0"]}]
    assert unserved(run, {}) == [{**needs, "served": []}]
    assert goal_view(run, (), None, unserved(run, {}))["unserved"] == [{**needs, "served": []}]


def test_a_job_says_what_it_needs_where_nobody_serves_it() -> None:
    job = begun(SORT).jobs[0]
    here = served_by({"w1": {"serves": {"triage": "1.0.0"}, "schemas": {"triage": OLD.schemas}}})
    there = served_by({"w2": {"serves": {"triage": "2.0.0"}, "schemas": {"triage": "other"}}})
    needs = {"type": "triage", "version": OLD.manifest.version}

    assert unserved_job(job, here, CATALOG) is None
    assert unserved_job(job, there, CATALOG) == {**needs, "served": ["2.0.0"]}
    assert unserved_job(job, {}, CATALOG) == {**needs, "served": []}
    changed = catalog_with(another("2.0.0", description="other"))
    assert unserved_job(job, {}, changed) == {**needs, "version": None, "served": []}
    waiting = Followed(JobStatus(job=job, state=JobState.SENT, attempt=0, worker=None, outcome=None), unserved=needs)
    assert (waiting.unclaimed, job_view(waiting)["unserved"]) == (True, needs)
    assert not Followed(JobStatus(job=job, state=JobState.RUNNING, attempt=1, worker="w", outcome=None)).unclaimed


def test_outputs_of_a_model_that_was_never_trained_are_counted() -> None:
    story = begun(SORT)
    provenance = Provenance(worker="w", specialist="triage@1.0.0", digest="d", engine="scripted", trained=False)
    first, second, third = (done(job, INTENT) for job in story.jobs)
    story.advance(first.model_copy(update={"provenance": provenance}), second, third)
    assert goal_view(story.run, ())["steps"]["s1"]["guessed"] == 1


def test_other_words_in_a_schema_are_other_schemas_and_another_order_is_not() -> None:
    turned = replace(OLD, output_schema=dict(reversed(OLD.output_schema.items())))
    assert turned.schemas == OLD.schemas
    assert another("1.1.0").schemas == OLD.schemas
    assert another("1.1.0", description="other").schemas != OLD.schemas
