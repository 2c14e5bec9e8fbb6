"""Which engine serves which specialist: a table of names, each loaded on use. Knows nothing of how they work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import groupby
from typing import Protocol, cast

from infra.settings import Settings
from specialists.specialist import Specialist
from workers.engines import Engine

_ENGINES = {
    "function": "workers.engines.function:FunctionEngine",
    "scripted": "workers.engines.scripted:ScriptedEngine",
    "transformers": "workers.engines.transformers:TransformersEngine",
}


class EngineClass(Protocol):
    def create(self, specialists: Sequence[Specialist], settings: Settings) -> Engine:
        """An engine that hosts `specialists`, which share a base if they have one."""


def load_engines(specialists: Iterable[Specialist], settings: Settings) -> dict[str, Engine]:
    """Specialist name -> its engine. Those of one kind and one base share an engine; close each engine once."""
    engines: dict[str, Engine] = {}
    for (kind, _), group in groupby(sorted(specialists, key=_host), key=_host):
        together = list(group)
        engine = _load(kind).create(together, settings)
        engines |= {specialist.name: engine for specialist in together}
    return engines


def _host(specialist: Specialist) -> tuple[str, str]:
    base = specialist.manifest.base
    return specialist.manifest.engine, f"{base.name}@{base.sha256}" if base else ""


def _load(kind: str) -> EngineClass:
    module, cls = _ENGINES[kind].split(":")
    return cast(EngineClass, getattr(import_module(module), cls))
