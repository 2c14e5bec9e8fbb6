"""The unmodified client of OpenAI over a real socket: models, and what is refused on OpenAI's paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from coordinator.api.build import create_api
from coordinator.keys.keyring import Keyring
from infra.access import Scope
from tests.support.deployment import Deployment
from tests.support.served_api import served_api


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}/v1", api_key="unused") as client:
        yield client


def test_the_models_are_the_specialists_that_host_one(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["call", "command", "entities", "issue", "log", "receipt", "route", "triage"]
    assert client.models.retrieve("triage").owned_by == "manyhands"


@pytest.mark.parametrize(
    ("name", "said"),
    [("gpt-9", "known: call"), ("count", "send its jobs to POST /v1/jobs"), ("planner", "to POST /v1/goals")],
)
def test_an_unknown_model_is_refused_with_those_that_there_are(client: OpenAI, name: str, said: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve(name)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
    assert said in refused.value.message
    assert (refused.value.request_id or "").startswith("req_")


def test_fine_tuning_is_refused_with_what_does_it_and_is_not_tried_again(client: OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as refused:
        client.fine_tuning.jobs.create(model="triage", training_file="file-1")
    assert (refused.value.status_code, refused.value.code) == (501, "not_implemented")
    assert "manyhands train" in refused.value.message
    assert refused.value.request.headers["x-stainless-retry-count"] == "0"


def test_what_no_route_serves_is_refused_in_openais_shape(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model="triage", input="x", encoding_format="float")
    assert refused.value.type == "invalid_request_error"


def test_the_guard_refuses_in_openais_shape(deployment: Deployment) -> None:
    _, secret = Keyring(deployment.ledger).create("acme", [Scope.SUBMIT])
    settings = deployment.settings.model_copy(update={"keys": True})
    with served_api(create_api(deployment.ledger, deployment.catalog, settings)) as url:
        with OpenAI(base_url=f"{url}/v1", api_key="sk-1") as client:
            with pytest.raises(openai.AuthenticationError) as unknown:
                client.models.list()
            assert unknown.value.code == "invalid_api_key"
        with OpenAI(base_url=f"{url}/v1", api_key=secret) as client:
            with pytest.raises(openai.PermissionDeniedError) as narrow:
                client.models.list()
            assert narrow.value.code == "missing_scope"
            assert "scope 'read'" in narrow.value.message


def test_a_fault_of_ours_has_openais_shape_and_a_request_id(
    deployment: Deployment, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RuntimeError("secret words")

    monkeypatch.setattr(type(deployment.catalog), "__iter__", lambda _: broken())
    once = OpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)
    with once as client, pytest.raises(openai.InternalServerError) as failed:
        client.models.list()
    assert (failed.value.type, failed.value.status_code) == ("server_error", 500)
    assert "secret" not in failed.value.message
    assert (failed.value.request_id or "").startswith("req_")
