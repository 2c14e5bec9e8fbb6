"""The specialists whose written answers engines are compared by: those that ship, and those that once shipped so.

`triage`, `command` and `entities` read their answers off today. Engines that write are compared by those that write.
"""

from __future__ import annotations

from pathlib import Path

from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.specialist import Specialist, load_specialist

HERE = Path(__file__).parent


def load_written(name: str) -> Specialist:
    """Raises UnknownJobType."""
    if (HERE / name).is_dir():
        return load_specialist(HERE / name)
    return load_catalog(Settings().specialists).get(name)
