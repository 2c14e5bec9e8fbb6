"""The house's own measure: how many calls lie between Celery and an engine, and how imports are followed."""

from __future__ import annotations

import ast
from pathlib import Path

from benchmarks.structure.hops import measure_hops
from benchmarks.structure.sizes import imports_of, longest_chain, measure_sizes
from benchmarks.structure.stacks import ROOT

MOST_TO_AN_ENGINE = 7


def test_a_job_is_a_few_calls_away_from_its_engine() -> None:
    (way,) = [hops for hops in measure_hops() if hops.target == "engine.submit"]
    assert way.functions[0].startswith("infra/queue/celery_queue.py")
    assert "workers/worker.py Worker.do" in way.functions
    assert len(way) <= MOST_TO_AN_ENGINE


def test_the_longest_chain_follows_imports_that_run_at_import() -> None:
    texts = {
        "infra/a.py": "from infra import b\n\ndef late() -> None:\n    import infra.d\n",
        "infra/b.py": "from infra.c import something\nimport json\n",
        "infra/c.py": "",
        "infra/d.py": "import infra.a\n",
    }
    imports = imports_of({ROOT / Path(name): ast.parse(text) for name, text in texts.items()})
    assert imports["infra.a"] == {"infra.b"}
    assert longest_chain(imports) == ["infra.d", "infra.a", "infra.b", "infra.c"]


def test_each_size_is_named_with_where_it_is() -> None:
    sizes = {size.what: size for size in measure_sizes()}
    assert list(sizes) == ["longest function", "longest function's body", "longest file", "longest import chain"]
    assert (ROOT / sizes["longest file"].which).is_file()
    assert all(size.size > 1 for size in sizes.values())
