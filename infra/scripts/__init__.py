"""The ledger's Lua scripts: every change of a job's state. The keys are listed in `common.lua`, put before each."""

from __future__ import annotations

from importlib.resources import files

NAMES = (
    "create_run", "release", "advance", "close_run", "take_ready", "claim", "renew", "commit", "sweep", "beat",
    "leave", "depths",
)  # fmt: skip


def load(name: str) -> str:
    """The full text of script `name`, ready to be registered."""
    folder = files(__name__)
    return f"{(folder / 'common.lua').read_text('utf-8')}\n{(folder / f'{name}.lua').read_text('utf-8')}"
