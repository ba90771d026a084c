"""The project's own source, parsed once, for the checks of this folder.

A check is a generator over the text and the tree of one module; it yields a complaint for each
place it finds, beginning with the line.
"""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("model", "harness")

Check = Callable[[str, ast.Module], Iterator[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(path: Path) -> tuple[str, ast.Module]:
    text = path.read_text(encoding="utf-8")
    return text, ast.parse(text)


@cache
def modules(*folders: str) -> list[Path]:
    found = sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in path.parts
    )
    assert found
    return found


def complaints(check: Check, *folders: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}{complaint}"
        for path in modules(*folders)
        for complaint in check(*parsed(path))
    ]


def on(check: Check, text: str) -> list[str]:
    """The complaints about a snippet."""
    return list(check(text, ast.parse(text)))


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """What a function's own body executes: not what functions and classes inside it do."""
    for child in ast.iter_child_nodes(function):
        yield child
        if not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            yield from own_nodes(child)
