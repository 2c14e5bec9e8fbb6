"""Job types as tools of an MCP server, asked by the `mcp` client over real sockets in both revisions."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS

from infra.ledger.redis.ledger import RedisLedger
from infra.records import JobState, RunState, TypeState
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.mcp_asked import REVISIONS, ask, call, connected, text_of
from tests.support.served_api import shown

COUNTED = {"items": [{"intent": "a"}, {"intent": "a"}], "field": "intent"}
BROKEN = {"columns": [["x"], []]}  # of unequal length: the function fails
revisions = pytest.mark.parametrize("mode", REVISIONS)


@revisions
def test_each_job_type_is_a_tool_with_its_schemas_as_they_are(deployment: Deployment, url: str, mode: str) -> None:
    listed = ask(url, lambda client: client.list_tools(), mode)
    tools = {tool.name: tool for tool in listed.tools}
    assert list(tools) == ["submit_goal", "goal_status", *(n for n in deployment.catalog.names() if n != "planner")]
    for name in ("triage", "entities", "count"):
        specialist = deployment.catalog.get(name)
        assert tools[name].description == specialist.manifest.description
        assert (tools[name].input_schema, tools[name].output_schema) == specialist.written
    assert listed.next_cursor is None


def test_a_list_of_tools_says_how_long_it_is_fresh_and_that_it_is_nobody_elses(url: str) -> None:
    listed = ask(url, lambda client: client.list_tools())
    assert (listed.ttl_ms, listed.cache_scope) == (10_000, "private")


@revisions
def test_both_revisions_are_spoken(url: str, mode: str) -> None:
    async def spoken(client: Client) -> str:
        return client.protocol_version

    assert ask(url, spoken, mode) == {"2026-07-28": "2026-07-28", "legacy": "2025-11-25"}[mode]


def test_a_client_that_names_no_revision_gets_the_newest(url: str) -> None:
    async def spoken(client: Client) -> tuple[str, str]:
        return client.protocol_version, client.server_info.name if client.server_info else ""

    assert ask(url, spoken, "auto") == ("2026-07-28", "manyhands")


@revisions
def test_a_tool_call_is_a_job_of_its_type_and_its_output_the_answer(
    ledger: RedisLedger, deploy: Callable[..., Deployment], served: Callable[[Deployment], str], mode: str
) -> None:
    deployment = deploy(ledger)
    deployment.answers["triage"] = lambda job: {"intent": "card_arrival"} if job == {"text": "Where is it?"} else {}
    deployment.confidence["triage"] = 0.9
    deployment.start()
    url = served(deployment)
    result = call(url, "triage", {"text": "Where is it?"}, mode)
    assert (result.is_error, result.structured_content) == (False, {"intent": "card_arrival"})
    assert text_of(result) == '{"intent": "card_arrival"}'
    made = result.meta["manyhands/job"]
    job = shown(f"{url}/v1/jobs/{made['id']}")
    assert (job["type"], job["state"], job["output"]) == ("triage", "succeeded", result.structured_content)
    assert made["confidence"] == job["confidence"] == 0.9


def test_the_program_in_the_documentation_runs(
    deployment: Deployment, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.start()
    page = (Path(__file__).parents[3] / "docs/mcp.md").read_text("utf-8")
    program = page.partition("```python\n")[2].partition("```")[0]
    exec(program.replace("http://127.0.0.1:8765", url), {})
    assert capsys.readouterr().out.endswith("{'counts': [{'value': 'card', 'count': 2}], 'total': 2}\n")


@revisions
def test_a_job_that_fails_is_an_error_with_its_own_sentence(deployment: Deployment, url: str, mode: str) -> None:
    deployment.start()
    result = call(url, "table", BROKEN, mode)
    [job] = shown(f"{url}/v1/jobs")
    assert (result.is_error, result.structured_content) == (True, None)
    assert job["failure"]["message"] in text_of(result)
    assert "failed" in text_of(result)


@revisions
def test_an_input_that_does_not_fit_is_an_error_and_begins_nothing(url: str, mode: str) -> None:
    result = call(url, "count", {"items": "none"}, mode)
    assert result.is_error
    assert text_of(result).startswith("Not accepted: ")
    assert "items" in text_of(result)
    assert "field" in text_of(result)
    assert shown(f"{url}/v1/jobs") == []


def test_a_text_that_no_other_route_takes_is_not_taken_here(url: str) -> None:
    result = call(url, "triage", {"text": "a\0b"})
    assert result.is_error
    assert "arguments.text" in text_of(result)


@revisions
def test_a_tool_that_is_not_there_is_an_error_of_the_protocol(url: str, mode: str) -> None:
    with pytest.raises(MCPError) as raised:
        call(url, "translate", {"text": "hi"}, mode)
    assert (raised.value.error.code, raised.value.error.message) == (INVALID_PARAMS, "Unknown tool: translate")


def test_the_planner_is_no_tool(url: str) -> None:
    with pytest.raises(MCPError, match="Unknown tool"):
        call(url, "planner", {"goal": "hi"})


@revisions
def test_a_job_that_the_door_refuses_is_an_error_that_says_why(deployment: Deployment, url: str, mode: str) -> None:
    deployment.ledger.set_type_state("count", TypeState.DRAINING)
    result = call(url, "count", COUNTED, mode)
    assert result.is_error
    assert text_of(result).startswith("The job type takes nothing in: ")


def test_a_tenant_that_is_named_has_the_job_where_keys_are_off(deployment: Deployment, url: str) -> None:
    deployment.start()
    call(url, "count", COUNTED, **{"X-Tenant": "acme"})
    assert [job["tenant"] for job in shown(f"{url}/v1/jobs")] == ["acme"]
    assert text_of(call(url, "count", COUNTED, **{"X-Tenant": "no tenant"})).startswith("The request is not valid")


def only_job(url: str) -> str:
    """The id of the only job, once there is one."""
    return eventually(lambda: next((str(job["id"]) for job in shown(f"{url}/v1/jobs")), None))


def cancelled(url: str, job: str) -> None:
    """Asserts that the job and the goal of its own are cancelled soon."""
    eventually(lambda: shown(f"{url}/v1/jobs/{job}")["state"] == JobState.CANCELLED, within_s=20)
    assert shown(f"{url}/v1/goals/{job.partition('.')[0]}")["state"] == RunState.CANCELLED


@revisions
def test_a_job_whose_client_goes_away_is_cancelled(deployment: Deployment, url: str, mode: str) -> None:
    deployment.ledger.set_type_state("triage", TypeState.PAUSED)  # its jobs do not end by themselves

    async def go_away() -> str:
        async with connected(url, mode) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "triage", {"text": "hi"})
            job = await anyio.to_thread.run_sync(only_job, url)
            tasks.cancel_scope.cancel()
        return job

    cancelled(url, anyio.run(go_away))


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_a_connection_that_is_cut_cancels_the_job_too(deployment: Deployment, url: str, version: str) -> None:
    deployment.ledger.set_type_state("triage", TypeState.PAUSED)
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port or 0)) as connection:
        connection.sendall(request_of(address.netloc, version))
        job = only_job(url)
    cancelled(url, job)


def request_of(host: str, version: str) -> bytes:
    """A tool call as it goes over a connection."""
    about = {"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": "triage", "arguments": {"text": "hi"}, "_meta": about}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {"Host": host, "Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    headers |= {"MCP-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": "triage"}
    said = [f"{name}: {value}" for name, value in (headers | {"Content-Length": str(len(body))}).items()]
    return "\r\n".join(["POST /mcp HTTP/1.1", *said, "", body]).encode()
