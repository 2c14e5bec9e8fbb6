"""The digests of what an engine hosts, in one line of its log. Reads no file, and checks nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from specialists.specialist import Specialist


def log_digests(log: logging.Logger, specialists: Sequence[Specialist], weights: str | None) -> None:
    """What was checked before: the base when it was fetched, and the adapters when the catalog was loaded.

    `specialists`: those that share a base. `weights`: what the base is called here; None: it has none of its own.
    """
    base = specialists[0].manifest.base
    pinned = f"sha256 {base.sha256[:12]} as pinned" if base and base.sha256 else "no digest pinned"
    told = f"{weights}, {pinned}" if weights else "none but the adapters'"
    adapters = [f"{each.name} {each.manifest.adapter.sha256[:12]}" for each in specialists if each.manifest.adapter]
    checked = ", ".join(adapters) or "none"
    log.info("weights: %s; adapters, checked: %s", told, checked, extra={"action": "check"})
