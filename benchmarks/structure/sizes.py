"""Sizes of the four packages: their longest function, their longest file and their longest chain of imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.structure.stacks import PACKAGES, ROOT

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Size:
    what: str
    size: int
    unit: str
    which: str

    def __str__(self) -> str:
        return f"{self.what}: {self.size} {self.unit}: {self.which}"


def measure_sizes() -> list[Size]:
    trees = {path: ast.parse(path.read_text("utf-8")) for path in _files()}
    chain = longest_chain(imports_of(trees))
    return [
        *_longest_functions(trees),
        max((_size_of_file(path) for path in trees), key=lambda size: size.size),
        Size("longest import chain", len(chain), "modules", " -> ".join(chain)),
    ]


def imports_of(trees: Mapping[Path, ast.Module]) -> dict[str, set[str]]:
    """Module -> our modules that it imports at its own import; imports inside functions do not count."""
    modules = {_module_of(path): tree for path, tree in trees.items()}
    return {name: {each for each in _imported(tree) if each in modules} - {name} for name, tree in modules.items()}


def longest_chain(imports: Mapping[str, set[str]]) -> list[str]:
    """The longest chain from a module to one that imports none of ours. import-linter prevents cycles."""

    @cache
    def chain(module: str) -> tuple[str, ...]:
        longest: tuple[str, ...] = max((chain(each) for each in sorted(imports[module])), key=len, default=())
        return (module, *longest)

    longest: tuple[str, ...] = max((chain(module) for module in sorted(imports)), key=len)
    return list(longest)


def _files() -> Sequence[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def _longest_functions(trees: Mapping[Path, ast.Module]) -> list[Size]:
    """The longest function by all its lines, and by the lines of its statements, without signature and docstring."""
    found = [(path, node) for path, tree in trees.items() for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    whole = max(found, key=lambda pair: _lines(pair[1]))
    body = max(found, key=lambda pair: _body_lines(pair[1]))
    return [
        Size("longest function", _lines(whole[1]), "lines", _named(*whole)),
        Size("longest function's body", _body_lines(body[1]), "lines", _named(*body)),
    ]


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno
    return node.end_lineno - node.lineno + 1


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[1:2] if ast.get_docstring(node) else node.body[:1]
    return (node.end_lineno or 0) - first[0].lineno + 1 if first else 0


def _named(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def _size_of_file(path: Path) -> Size:
    return Size("longest file", len(path.read_text("utf-8").splitlines()), "lines", str(path.relative_to(ROOT)))


def _module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield modules that the tree may import: `from a.b import c` yields both a.b and a.b.c, since c may be either."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
