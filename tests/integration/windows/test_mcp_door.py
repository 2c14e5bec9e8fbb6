"""Who gets in at `/mcp`: keys and their tenants, pages of other origins, large bodies, and a missing package."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from coordinator.keys.keyring import Keyring
from infra.access import Quota, Scope
from infra.ledger.redis.ledger import RedisLedger
from tests.support.deployment import Deployment
from tests.support.mcp_asked import REVISIONS, call, text_of

COUNTED = {"items": [{"intent": "a"}], "field": "intent"}
PLAN = {"plan": {"steps": [{"id": "s1", "type": "count", "args": COUNTED}]}, "wait_s": 0}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def guarded(ledger: RedisLedger, deploy: Callable[..., Deployment], served: Callable[..., str]) -> str:
    """Asks for keys, over a real Redis."""
    deployment = deploy(ledger)
    deployment.start()
    return served(deployment, keys=True)


def posted(url: str, message: Any, headers: Mapping[str, str] = {}) -> httpx.Response:
    return httpx.post(f"{url}/mcp", json=message, headers={**ACCEPT, **headers}, timeout=60)


def bearer(ledger: RedisLedger, tenant: str, *scopes: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {Keyring(ledger).create(tenant, scopes)[1]}"}


@pytest.mark.parametrize("mode", REVISIONS)
def test_a_job_is_its_keys_tenants_and_no_other_tenant_sees_it(guarded: str, ledger: RedisLedger, mode: str) -> None:
    keys = {name: bearer(ledger, name, Scope.SUBMIT, Scope.READ) for name in ("acme", "bolt")}
    for name, key in keys.items():
        made = call(guarded, "count", COUNTED, mode, **key, **{"X-Tenant": "bolt"}).meta["manyhands/job"]
        assert ledger.job(made["id"]).job.tenant == name  # type: ignore[union-attr]
    goal = call(guarded, "submit_goal", PLAN, mode, **keys["acme"]).structured_content["id"]
    assert not call(guarded, "goal_status", {"id": goal}, mode, **keys["acme"]).is_error
    told = call(guarded, "goal_status", {"id": goal}, mode, **keys["bolt"])
    assert (told.is_error, text_of(told)) == (True, f"no goal {goal!r}: never accepted, or forgotten since")


@pytest.mark.parametrize(("scopes", "status"), [((), 401), ((Scope.READ,), 403)])
def test_without_a_key_that_may_submit_nothing_is_answered(
    guarded: str, ledger: RedisLedger, scopes: tuple[Scope, ...], status: int
) -> None:
    headers = bearer(ledger, "acme", *scopes) if scopes else {}
    answer = posted(guarded, LIST, headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_tenant_over_its_quota_is_told_so_in_the_tools_answer(guarded: str, ledger: RedisLedger) -> None:
    ledger.set_quota("acme", Quota(jobs_a_minute=1))
    key = bearer(ledger, "acme", Scope.SUBMIT)
    assert not call(guarded, "count", COUNTED, **key).is_error
    result = call(guarded, "count", {**COUNTED, "items": []}, **key)
    assert result.is_error
    assert text_of(result).startswith("The tenant's quota is used up: jobs-minute: 1 of 1 are used")
    assert "Come back in" in text_of(result)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "evil.example"}, id="another name of this machine"),
        pytest.param({"Host": "evil.example:8765", "Origin": "http://evil.example:8765"}, id="a page that rebinds"),
        pytest.param({"Origin": "https://evil.example"}, id="another page"),
        pytest.param({"Origin": "null"}, id="a page without an origin"),
        pytest.param({"Origin": "http://["}, id="no address"),
    ],
)
def test_a_page_of_another_origin_does_not_get_in(url: str, headers: dict[str, str]) -> None:
    answer = posted(url, LIST, headers)
    assert (answer.status_code, answer.json()["title"]) == (403, "Not from this page")


@pytest.mark.parametrize("origin", ["http://localhost:6274", "http://127.0.0.1", "https://desk.example"])
def test_a_page_of_this_machine_or_one_that_is_named_gets_in(
    deployment: Deployment, served: Callable[..., str], origin: str
) -> None:
    url = served(deployment, cors_origins=("https://desk.example",))
    assert posted(url, LIST, {"Origin": origin}).status_code == 200


def test_a_large_body_is_refused(deployment: Deployment, url: str) -> None:
    large = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/list",
        "params": {"x": "x" * deployment.settings.api_body_bytes},
    }
    assert posted(url, large).status_code == 413


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_is_no_session_to_listen_to_or_to_end(url: str, method: str) -> None:
    answer = httpx.request(method, f"{url}/mcp", headers=ACCEPT, timeout=60)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_without_the_package_it_says_what_to_install(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    answer = posted(url, LIST)
    assert (answer.status_code, answer.json()["title"]) == (501, "MCP is not served here")
    assert "its extra `mcp`" in answer.json()["detail"]
    assert httpx.get(f"{url}/v1/job-types").status_code == 200
