"""Keys and quotas for people. Knows no secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from infra.access import KeptKey, Quota


def keys_table(keys: Iterable[KeptKey]) -> Table:
    table = Table()
    for name in ("id", "tenant", "scopes", "created", "ends"):
        table.add_column(name, no_wrap=True)
    table.add_column("name", overflow="fold")
    for kept in keys:
        key = kept.key
        table.add_row(key.id, key.tenant, ",".join(key.scopes), _at(key.created_ms), _end(kept), Text(key.name))
    return table


def quotas_table(quotas: Mapping[str, Quota]) -> Table:
    table = Table()
    for name in ("tenant", *Quota.model_fields):
        table.add_column(name.replace("_", " "), no_wrap=name == "tenant")
    for tenant, quota in quotas.items():
        table.add_row(tenant, *("" if bound is None else str(bound) for _, bound in quota))
    return table


def _end(kept: KeptKey) -> str:
    if kept.ends_ms is None:
        return "never"
    return _at(kept.ends_ms) + ("" if kept.ends_ms > kept.now_ms else " (ended)")


def _at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
