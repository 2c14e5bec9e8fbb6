"""Comments that begin with `#:`: what a module or a class says of the names that it sets. Reads source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import ModuleType

MARK = "#:"


def comments(of: ModuleType | type) -> dict[str, str]:
    """Name -> the comment on its line, or else on the lines above it; "" where there is none."""
    source = textwrap.dedent(inspect.getsource(of))
    lines, tree = source.splitlines(), ast.parse(source)
    body = tree.body if isinstance(of, ModuleType) else _body(tree.body[0])
    return {name: _comment(lines, node) for node in body for name in _names(node)}


def constants(of: ModuleType) -> dict[str, str]:
    """Upper-case names of a module that have such a comment."""
    return {name: comment for name, comment in comments(of).items() if name.isupper() and comment}


def _body(node: ast.stmt) -> list[ast.stmt]:
    assert isinstance(node, ast.ClassDef)
    return node.body


def _names(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _comment(lines: list[str], node: ast.stmt) -> str:
    last = lines[(node.end_lineno or node.lineno) - 1]
    if MARK in last:
        return last.partition(MARK)[2].strip()
    above: list[str] = []
    for line in reversed(lines[: node.lineno - 1]):
        if not line.strip().startswith(MARK):
            break
        above.insert(0, line.strip().removeprefix(MARK).strip())
    return " ".join(above)
