"""The source files of the product and their syntax trees, each of which is made once."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "envfs").rglob("*.py"), *(ROOT / "cli" / "envfs_cli").rglob("*.py")])


def place(path: Path) -> str:
    """Return where a file lies in the project."""
    return str(path.relative_to(ROOT))


@cache
def text(path: Path) -> str:
    """Return a file's text."""
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Return every node of a file's syntax tree."""
    return list(ast.walk(ast.parse(text(path))))


def calls(path: Path) -> list[ast.Call]:
    """Return every call in a file."""
    return [node for node in nodes(path) if isinstance(node, ast.Call)]
