"""How test files are shared among processes (pytest-xdist): which of them one process does, one after another."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadFileScheduling

#: Files that use one thing which takes long to start, and what that is.
TOGETHER = {
    "tests/acceptance/test_demo_survives_kill.py": "house",
    "tests/acceptance/test_readme.py": "house",
    "tests/integration/engines/test_ray_engine.py": "ray",
}
#: Files that take longest. They come first, so that no process does one of them alone at the end.
LONGEST = (
    "tests/acceptance/test_demo_survives_kill.py",
    "tests/acceptance/test_readme.py",
    "tests/integration/engines/test_ray_engine.py",
    "tests/integration/planning/test_planner_training.py",
    "tests/integration/engines/test_transformers_engine.py",
    "tests/integration/workers/test_worker_start.py",
    "tests/integration/coordinator/test_crash_anywhere.py",
    "tests/integration/engines/test_llama_cpp_engine.py",
    "tests/integration/commands/test_examples.py",
    "tests/integration/benchmarks/test_delivery_benchmark.py",
)


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """All others keep their order."""
    places = {file: place for place, file in enumerate(LONGEST)}
    return sorted(items, key=lambda item: places.get(item.nodeid.partition("::")[0], len(LONGEST)))


class ByWhatIsLoaded(LoadFileScheduling):  # type: ignore[misc]  # xdist's schedulers have no types
    """The tests of a file stay together, so that what they load is loaded once; so do all that use one Ray cluster."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "ray" if nodeid.endswith("[ray]") else TOGETHER.get(file, file)
