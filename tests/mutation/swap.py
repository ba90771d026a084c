"""Changes code in this process: functions that are imported already get the code of a new source.

Each mutant runs in a process forked from one in which everything is imported and has run, so that
it costs nothing to begin. A function keeps its identity, whoever has hold of it: only its code, its
defaults and the settings of its class become those of the new source.
"""

import ast
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

__all__ = ["HIT", "instrumented", "swap"]

HIT = "__mutation_hit__"
"""What instrumented code calls with the number of each line that it executes."""


def swap(module: ModuleType, tree: ast.Module | str) -> None:
    """Give the functions and classes of ``module`` the code that ``tree`` has for them.

    Raises:
        SyntaxError: it is no Python.

    """
    assert module.__file__ is not None
    fresh = ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    exec(compile(tree, module.__file__, "exec"), fresh.__dict__)
    move(vars(fresh), module, module)


def move(fresh: dict[str, Any] | Any, old: Any, module: ModuleType) -> None:
    """Move the code of what ``fresh`` defines to what is called so in ``old``."""
    for name, value in list(fresh.items()):
        known = vars(old).get(name)
        if isinstance(value, type) and value.__module__ == module.__name__:
            move(dict(vars(value)), known, module)
        elif isinstance(value, FunctionType) and value.__module__ == module.__name__:
            function(value, known, old, name, module)
        elif isinstance(value, property):
            assert isinstance(known, property)
            function(value.fget, known.fget, old, name, module)
        elif isinstance(value, bool | int) and isinstance(old, type) and value != known:
            setattr(old, name, value)


def function(fresh: Any, known: Any, owner: Any, name: str, module: ModuleType) -> None:
    """Move the code of one function."""
    if fresh.__code__.co_freevars == known.__code__.co_freevars:
        known.__code__ = fresh.__code__
        known.__defaults__ = fresh.__defaults__
        known.__kwdefaults__ = fresh.__kwdefaults__
    else:
        # Without its use of super() it has no closure any more.
        assert not fresh.__code__.co_freevars
        new = FunctionType(fresh.__code__, vars(module), name, fresh.__defaults__)
        new.__kwdefaults__ = fresh.__kwdefaults__
        new.__qualname__, new.__module__ = known.__qualname__, known.__module__
        setattr(owner, name, new)


class Instrument(ast.NodeTransformer):
    """Puts a call before each statement of a function that tells its line."""

    def __init__(self) -> None:
        self.depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Go into a function."""
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Go through the statements of a node."""
        super().generic_visit(node)
        if self.depth:
            for field in ("body", "orelse", "finalbody"):
                statements = getattr(node, field, None)
                if isinstance(statements, list):
                    setattr(node, field, [y for x in statements for y in (self.hit(x), x)])
        return node

    def hit(self, statement: ast.stmt) -> ast.stmt:
        """Make the call."""
        call = ast.Call(ast.Name(HIT, ast.Load()), [ast.Constant(statement.lineno)], [])
        return ast.copy_location(ast.Expr(call), statement)


def instrumented(module: ModuleType, source: str, hit: Callable[[int], object]) -> None:
    """Have the functions of ``module`` call ``hit`` with the number of each line they execute."""
    vars(module)[HIT] = hit
    tree = ast.fix_missing_locations(Instrument().visit(ast.parse(source)))
    swap(module, tree)
