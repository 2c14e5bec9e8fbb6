"""Repairs: one reading is mended and told, two readings are left alone."""

from __future__ import annotations

from typing import Any

from coordinator.compiler import compile_plan
from coordinator.plan import Limits
from coordinator.repair import repair
from specialists.catalog import load_catalog

CATALOG = load_catalog(adapters=False)
INPUTS = {"messages": ["a", "b"], "note": "a text"}


def step(step_id: str, job_type: str, **args: Any) -> dict[str, Any]:
    return {"id": step_id, "type": job_type, "args": args}


def test_an_unknown_argument_is_left_out() -> None:
    draft = {"steps": [step("s1", "triage", text={"$ref": "inputs.note"}, tone="warm")]}
    mended, notes = repair(draft, CATALOG, INPUTS)
    assert mended["steps"] == [step("s1", "triage", text={"$ref": "inputs.note"})]
    assert notes == ["step 's1': left out the unknown argument 'tone'"]


def test_a_list_where_one_text_is_asked_for_becomes_a_map() -> None:
    mended, notes = repair({"steps": [step("s1", "triage", text={"$ref": "inputs.messages"})]}, CATALOG, INPUTS)
    assert mended["steps"][0]["map"] == {"over": {"$ref": "inputs.messages"}, "as": "item"}
    assert notes == ["step 's1': 'inputs.messages' is a list; one job an element"]


def test_an_object_with_one_list_stands_for_that_list() -> None:
    table = step("s1", "table", columns=[{"$ref": "inputs.messages"}])
    draft = {"steps": [table, step("s2", "count", items={"$ref": "s1"}, field="value")]}
    mended, notes = repair(draft, CATALOG, INPUTS)
    assert mended["steps"][1]["args"]["items"] == {"$ref": "s1.rows"}
    assert notes == ["step 's2': 's1' is an object; took its list 's1.rows'"]


def test_a_mended_draft_is_a_plan() -> None:
    draft = {
        "steps": [
            step("s1", "triage", text={"$ref": "inputs.messages"}, tone="warm"),
            step("s2", "table", columns=[{"$ref": "inputs.messages"}, {"$ref": "s1"}]),
            step("s3", "count", items={"$ref": "s2"}, field="intent"),
        ]
    }
    mended, notes = repair(draft, CATALOG, INPUTS)
    assert len(notes) == 3
    compile_plan(mended, CATALOG, INPUTS, Limits(max_jobs=9, deadline_s=9, max_replans=1))


def test_a_sound_draft_stays_as_it_is() -> None:
    draft = {"steps": [step("s1", "triage", text={"$ref": "inputs.note"})]}
    assert repair(draft, CATALOG, INPUTS) == (draft, [])


def test_what_has_no_one_reading_is_left_alone() -> None:
    draft = {"steps": [step("s1", "sumarize", text={"$ref": "s9"}), step("s2", "triage", text={"$ref": "s1"})]}
    assert repair(draft, CATALOG, INPUTS) == (draft, [])
