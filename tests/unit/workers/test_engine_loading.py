"""Which specialists share an engine: those of one kind and one base, unless the kind hosts one alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from infra.settings import Settings
from specialists.catalog import load_catalog
from specialists.manifest import BaseRef, Manifest
from specialists.specialist import Specialist
from workers.engines import Engine
from workers.engines.load import load_engines
from workers.engines.scripted import ScriptedEngine


class Made:
    """An engine class that notes what it is asked to host."""

    def __init__(self) -> None:
        self.hosting: list[tuple[str, ...]] = []

    def of(self, kind: str) -> Any:
        return Maker(partial(self._create, kind))

    def _create(self, kind: str, specialists: Sequence[Specialist], settings: Settings) -> Engine:
        self.hosting.append((kind, *(specialist.name for specialist in specialists)))
        return ScriptedEngine({})


class Maker:
    def __init__(self, create: Any) -> None:
        self.create = create


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    made = Made()
    monkeypatch.setattr("workers.engines.load.engine_class", made.of)
    return made


def served_by(engine: str, *names: str, **fields: Any) -> list[Specialist]:
    specialists = [load_catalog().get(name) for name in names]
    return [
        replace(each, manifest=Manifest.model_validate(each.manifest.model_dump() | {"engine": engine} | fields))
        for each in specialists
    ]


@pytest.mark.parametrize(
    ("engine", "hosting"),
    [
        ("transformers", [("transformers", "issue", "route")]),
        ("vllm", [("vllm", "issue", "route")]),
        ("llama.cpp", [("llama.cpp", "issue"), ("llama.cpp", "route")]),
    ],
)
def test_specialists_on_one_base_share_an_engine_unless_it_hosts_one_alone(
    made: Made, engine: str, hosting: list[tuple[str, ...]]
) -> None:
    engines = load_engines(served_by(engine, "issue", "route"), Settings())

    assert made.hosting == hosting
    assert len({id(each) for each in engines.values()}) == len(hosting)
    for each in engines.values():
        each.close()


def test_one_alone_in_its_engine_is_alone_in_its_actors_too(made: Made) -> None:
    specialists = served_by("ray", "issue", "route", ray={"engine": "llama.cpp"})

    for each in load_engines(specialists, Settings()).values():
        each.close()

    assert made.hosting == [("ray", "issue"), ("ray", "route")]


def test_functions_and_the_planner_run_here_wherever_models_live(made: Made) -> None:
    catalog = load_catalog()
    here = [catalog.get(name) for name in ("count", "planner", "route")]

    for each in load_engines(here, Settings(engine="ray")).values():
        each.close()

    assert made.hosting == [("function", "count"), ("planner", "planner"), ("ray", "route")]


@pytest.mark.parametrize("engine", ["transformers", "llama.cpp", "vllm"])
def test_an_engine_that_hosts_a_model_must_be_told_which_and_how_to_decode(engine: str) -> None:
    with pytest.raises(ValueError, match=rf"engine '{engine}' needs the tables \[base\] and \[decoding\]"):
        Manifest(name="mood", version="1.0.0", description="-", engine=engine, base=BaseRef(name="smollm2-135m"))


def test_a_manifest_may_leave_its_model_to_be_found_only_where_any_engine_of_ours_may_host_it() -> None:
    said = {"name": "mood", "version": "1.0.0", "description": "-"}

    assert Manifest.model_validate(said | {"engine": "transformers"}).is_bare
    for engine in ("llama.cpp", "vllm"):
        with pytest.raises(ValueError, match=r"needs the tables \[base\] and \[decoding\]"):
            Manifest.model_validate(said | {"engine": engine})


def test_a_manifest_says_whether_a_model_is_hosted_for_it() -> None:
    (route,) = served_by("llama.cpp", "route")

    assert route.manifest.hosts_model
    assert not load_catalog().get("count").manifest.hosts_model
    assert not load_catalog().get("planner").manifest.hosts_model
