"""Answers of tools: an outcome, a goal or a refusal as the result of a tool call. Asks nobody."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import CallToolResult, TextContent

from coordinator.admission.door import NotAdmitted
from coordinator.api.answers.problems import Problem, refusal_of
from coordinator.goals.refusals import GoalRefused, Unknown
from coordinator.keys.quotas import OverQuota
from coordinator.plans.saved_plan import UnreadablePlan
from coordinator.runs.run import UnreadableRun
from infra.ledger.protocol import LedgerUnavailable
from infra.records import JobState, Json

#: What keeps a call from being done, and is told to whoever called. Anything else is a fault of ours.
REFUSALS = (GoalRefused, NotAdmitted, OverQuota, LedgerUnavailable, Problem, Unknown, UnreadablePlan, UnreadableRun)

_JOB = "manyhands/job"  #: in the `_meta` of a result


def answered(output: Any, job: Json | None = None) -> CallToolResult:
    """`job`: what made the output, for whoever wants to know how sure it is."""
    text = json.dumps(output, ensure_ascii=False)
    return CallToolResult(
        content=[TextContent(text=text)], structured_content=output, _meta={_JOB: job} if job else None
    )


def failed(sentence: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=sentence)], is_error=True)


def refused(error: Exception) -> CallToolResult:
    """`error`: one of REFUSALS."""
    if isinstance(error, Problem):
        return failed(_sentence(str(error.detail), error.faults, error.headers))
    if isinstance(error, (Unknown, UnreadablePlan, UnreadableRun)):
        return failed(str(error))
    _, title, faults, headers = refusal_of(error)
    return failed(_sentence(title, faults, headers))


def of_job(view: Json) -> CallToolResult:
    """`view`: a job that has ended, as the HTTP API shows it."""
    if view["state"] == JobState.SUCCEEDED:
        made = {name: view[name] for name in ("id", "confidence", "fallback", "provenance", "usage")}
        return answered(view["output"], made)
    failure = view["failure"]
    why = f" ({failure['kind']}): {failure['message']}" if failure else ""
    return failed(f"The job {view['id']} is {view['state']}{why}")


def _sentence(title: str, faults: list[str], headers: Any) -> str:
    wait = (headers or {}).get("Retry-After")
    return f"{title}: {'; '.join(faults)}" + (f". Come back in {wait} s" if wait else "")
