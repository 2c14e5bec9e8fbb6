"""Keys and quotas for people, a line each. No tables, so that an id can be copied whole. Knows no secret."""

from __future__ import annotations

from datetime import UTC, datetime

from infra.access import KeptKey, Quota


def key_line(kept: KeptKey) -> str:
    key = kept.key
    name = f"  {key.name}" if key.name else ""
    return f"{key.id}  {key.tenant}  {','.join(key.scopes)}  created {_at(key.created_ms)}  {_end(kept)}{name}"


def quota_line(tenant: str, quota: Quota) -> str:
    bounds = (f"{field.replace('_', ' ')} {bound}" for field, bound in quota if bound is not None)
    return f"{tenant}  {', '.join(bounds)}"


def _end(kept: KeptKey) -> str:
    if kept.ends_ms is None:
        return "no end"
    return f"{'ends' if kept.ends_ms > kept.now_ms else 'ended'} {_at(kept.ends_ms)}"


def _at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
