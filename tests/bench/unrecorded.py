"""The product's execution with the recording of steps' choices taken out of its source.

Comparing the two measures what recording costs where it stands, not an append in a loop of its own.
"""

import ast
import inspect
import textwrap
from typing import Any

RECORDS = ".choices.append("


class Strip(ast.NodeTransformer):
    """Takes out the statements that record a choice, and counts them."""

    def __init__(self) -> None:
        self.taken = 0

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if RECORDS not in ast.unparse(node):
            return node
        self.taken += 1
        return ast.copy_location(ast.Pass(), node)


def unrecorded(execution_class: type[Any]) -> type[Any]:
    """Return a subclass of ``execution_class`` whose steps are not recorded (draws still are).

    Raises:
        LookupError: no method records choices in a way that is known here.

    """
    methods: dict[str, Any] = {"__slots__": ()}
    for base in reversed(execution_class.__mro__[:-1]):
        for name, function in vars(base).items():
            if not inspect.isfunction(function):
                continue
            source = textwrap.dedent(inspect.getsource(function))
            if RECORDS not in source:
                continue
            strip = Strip()
            tree = ast.fix_missing_locations(strip.visit(ast.parse(source)))
            namespace = dict(function.__globals__)
            exec(compile(tree, f"<{name} without recording>", "exec"), namespace)
            methods[name] = namespace[name]
    if len(methods) == 1:
        raise LookupError(f"no method of {execution_class.__name__} has {RECORDS!r}")
    return type("Unrecorded", (execution_class,), methods)
