"""Which engine serves which specialist: a table of names, each loaded when it is used. Does not know how they work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import groupby
from typing import Protocol, cast

from infra.plugins import ENGINES, plugin
from infra.settings import Settings
from specialists.specialist import Specialist
from workers.engines import Elastic, Engine, EngineError, distinct


@dataclass(frozen=True)
class _Row:
    path: str  #: "module:Class"
    alone: bool = False  #: each engine hosts one specialist, and not all specialists of a base
    here: bool = False  #: it runs in the worker itself, whatever the settings say of language models


_ENGINES = {
    "function": _Row("workers.engines.function:FunctionEngine", here=True),
    "heads": _Row("workers.engines.heads.engine:HeadEngine", here=True),
    "llama.cpp": _Row("workers.engines.llama_cpp.engine:LlamaCppEngine", alone=True),
    "planner": _Row("workers.engines.planner:PlannerEngine", alone=True, here=True),
    "ray": _Row("workers.engines.ray.engine:RayEngine"),
    "scripted": _Row("workers.engines.scripted:ScriptedEngine"),
    "transformers": _Row("workers.engines.transformers.engine:TransformersEngine"),
    "vllm": _Row("workers.engines.vllm.engine:VllmEngine"),
}


HEADS = "heads"  #: what hosts a specialist whose answers are read off

#: The row of an engine that an installed package registers (entry points `manyhands.engines`, "module:Class").
PLUGIN = _Row("", alone=True, here=True)


class EngineClass(Protocol):
    """The class that an entry point of an engine names."""

    def create(self, specialists: Sequence[Specialist], settings: Settings) -> Engine:
        """An engine that hosts `specialists`, which share a base if they have one. It is a class method."""


def load_engines(specialists: Iterable[Specialist], settings: Settings) -> dict[str, Engine]:
    """Specialist name -> its engine. Specialists of one kind and one base share an engine; close each engine once."""
    engines: dict[str, Engine] = {}
    specialists = list(specialists)
    host = partial(_host, settings=settings)
    if bare := [each.name for each in specialists if each.manifest.is_bare]:
        raise EngineError(f"{bare[0]!r} has no model yet: run `manyhands train {bare[0]}`", retryable=False)
    for (kind, *_), group in groupby(sorted(specialists, key=host), key=host):
        together = list(group)
        engine = engine_class(kind).create(together, settings)
        engines |= {specialist.name: engine for specialist in together}
    return engines


def slots_of(engines: Iterable[Engine], slots: int) -> int:
    """The jobs at a time that fill all engines: `slots` for those that cannot grow, plus the most of the others."""
    each = [engine.slots if isinstance(engine, Elastic) else None for engine in distinct(engines)]
    return sum(grown for grown in each if grown) + (slots if None in each else 0)


def _host(specialist: Specialist, settings: Settings) -> tuple[str, ...]:
    """Kind, and base or specialist. For Ray also the engine in the actors and the hosting, such as their number."""
    manifest, base = specialist.manifest, specialist.manifest.base
    whose = f"{base.name}@{base.sha256}" if base else ""
    inner = HEADS if manifest.head else manifest.inner_engine
    row = _ENGINES.get(inner, PLUGIN)
    if row.alone:
        whose = specialist.name
    kind = inner if manifest.head else (None if row.here else settings.engine) or manifest.engine
    if kind == "ray":
        return kind, manifest.inner_engine, whose, manifest.ray.model_dump_json()
    return kind, whose


def engine_class(kind: str) -> EngineClass:
    """Raises KeyError for a kind that neither ships nor comes with an installed package."""
    if kind in _ENGINES:
        module, cls = _ENGINES[kind].path.split(":")
        return cast(EngineClass, getattr(import_module(module), cls))
    found = plugin(ENGINES, kind)
    if found is None:
        raise KeyError(f"no engine {kind!r}: the package that registers it is not installed here")
    return cast(EngineClass, found.load())
