"""Tools that come and vanish as the folders of a live catalog do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
from mcp.client.subscriptions import ToolsListChanged

from infra.ledger.memory.ledger import MemoryLedger
from specialists.catalog import SHIPPED
from specialists.live_catalog import LiveCatalog
from tests.support.deployment import Deployment
from tests.support.mcp_asked import connected

WITHIN_S = 30


def put(folder: Path, name: str) -> None:
    """`count` under another name, which appears at once."""
    made = folder / f".{name}"
    shutil.copytree(SHIPPED / "count", made)
    manifest = made / "specialist.toml"
    manifest.write_text(manifest.read_text().replace('name = "count"', f'name = "{name}"', 1))
    made.rename(folder / name)


def test_a_client_that_listens_hears_of_tools_that_come_and_go(tmp_path: Path, served: Callable[..., str]) -> None:
    put(tmp_path, "first")
    deployment = Deployment(MemoryLedger(), LiveCatalog([tmp_path]))
    url = served(deployment)

    async def watched() -> list[set[str]]:
        seen = []
        with anyio.fail_after(WITHIN_S):
            async with connected(url) as client, client.listen(tools_list_changed=True) as changes:
                for change in (partial(put, tmp_path, "second"), partial(shutil.rmtree, tmp_path / "first")):
                    change()
                    assert isinstance(await anext(aiter(changes)), ToolsListChanged)
                    seen.append({tool.name for tool in (await client.list_tools()).tools})
        return seen

    came, went = anyio.run(watched)
    assert {"first", "second"} <= came
    assert "second" in went
    assert "first" not in went
