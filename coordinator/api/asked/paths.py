"""Paths: the addresses of goals and jobs in the API. Knows no route."""

from __future__ import annotations


def goal_path(run_id: str) -> str:
    return f"/v1/goals/{run_id}"
