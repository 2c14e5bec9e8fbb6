"""A language model that was never trained for its job type: not served unless that is wanted, and sure of nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from coordinator.api.answers.views import job_type_view, specialist_view
from specialists.catalog import load_catalog
from specialists.manifest import BaseRef, Manifest
from specialists.specialist import Specialist
from workers.attempt import confidence_of, provenance_of
from workers.engines.scripted import ScriptedEngine
from workers.untrained import Untrained, check_trained

CATALOG = load_catalog(adapters=False)
TRIAGE = CATALOG.get("triage")


def without_adapter(specialist: Specialist, **base: bool) -> Specialist:
    assert specialist.manifest.base
    ref = BaseRef(**{**specialist.manifest.base.model_dump(), **base})
    return replace(specialist, manifest=specialist.manifest.model_copy(update={"adapter": None, "base": ref}))


def test_it_is_not_served_and_its_owner_is_told_what_to_do() -> None:
    with pytest.raises(Untrained, match=r"^triage: never trained, .* `manyhands train triage`, .* `--untrained`"):
        check_trained([CATALOG.get("count"), without_adapter(TRIAGE)], untrained=False)


def test_a_head_is_never_in_the_weights_of_its_base() -> None:
    manifest = {"name": "mood", "version": "1.0.0", "description": "Mood.", "engine": "transformers"}
    base = {"name": "all-minilm-l6-v2"}
    head = Manifest.model_validate({**manifest, "base": base, "head": {"kind": "label"}})
    assert not head.trained
    with pytest.raises(Untrained) as refused:
        check_trained([replace(TRIAGE, manifest=head)], untrained=False)
    assert "tuned" not in str(refused.value)
    with pytest.raises(ValidationError, match=r"\[base\] tuned: a \[head\] is taught by `manyhands train` alone"):
        Manifest.model_validate({**manifest, "base": {**base, "tuned": True}, "head": {"kind": "label"}})


def test_it_is_served_where_that_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    check_trained([without_adapter(TRIAGE)], untrained=True)
    assert "never trained" in caplog.text


def test_what_has_an_adapter_tuned_weights_or_no_model_is_served() -> None:
    check_trained([*CATALOG, without_adapter(TRIAGE, tuned=True)], untrained=False)


def test_it_says_no_confidence_and_shows_that_it_was_not_trained() -> None:
    plain = without_adapter(TRIAGE)
    assert confidence_of(plain, 0.96) is None
    assert confidence_of(without_adapter(TRIAGE, tuned=True), 0.96) is not None
    assert (specialist_view(plain)["trained"], specialist_view(TRIAGE)["trained"]) == (False, True)
    assert (job_type_view(plain)["trained"], job_type_view(TRIAGE)["trained"]) == (False, True)
    assert not provenance_of(plain, ScriptedEngine({}), "w").trained


def test_whose_the_weights_are_said_to_be_changes_no_answer_and_no_digest() -> None:
    assert without_adapter(TRIAGE, tuned=True).digest == without_adapter(TRIAGE).digest
