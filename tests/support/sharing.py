"""How test files are shared among processes (pytest-xdist): which of them one process does, one after another."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

#: Files that use one thing which takes long to start, and what that is.
TOGETHER = {
    "tests/acceptance/test_demo_survives_kill.py": "house",
    "tests/acceptance/test_readme.py": "house",
    "tests/integration/engines/test_ray_engine.py": "ray",
}


class ByWhatIsLoaded(LoadFileScheduling):  # type: ignore[misc]  # xdist's schedulers have no types
    """The tests of a file stay together, so that what they load is loaded once; so do all that use one Ray cluster."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "ray" if nodeid.endswith("[ray]") else TOGETHER.get(file, file)
