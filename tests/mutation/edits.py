"""The operators: which edits can be made to a statement or an expression, by ``ast``.

A statement is deleted (``pass`` takes its place), a condition negated, ``and`` becomes ``or``, True
becomes False, a number one more, a comparison another. An edit replaces no more text than it must,
so that its diff reads like one of a person.
"""

import ast
from collections.abc import Iterator

from tests.mutation.mutant import Edit

__all__ = ["Text", "edits_of"]

COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
LOSES_NOTHING = (ast.Pass, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)


class Text:
    """A source, and where its nodes are in it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.begins = [0]
        for line in source.splitlines(keepends=True):
            self.begins.append(self.begins[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return where a node begins and ends. The sources are ASCII: columns are characters."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.begins[node.lineno - 1] + node.col_offset,
            self.begins[node.end_lineno - 1] + node.end_col_offset,
        )

    def of(self, node: ast.expr) -> str:
        """Return the text of an expression."""
        start, end = self.span(node)
        return self.source[start:end]

    def edit(self, operator: str, node: ast.expr | ast.stmt, text: str) -> Edit:
        """Return the edit that replaces a whole node."""
        start, end = self.span(node)
        return Edit(operator, node.lineno, start, end, text)


def edits_of(text: Text, node: ast.AST, needed: frozenset[str] | None) -> Iterator[Edit]:
    """Make each edit of this very node, not of those within it.

    Args:
        text: the source.
        node: a statement or an expression.
        needed: names that have one binding only, and are used: without it nothing would run. None
            in a constructor, which binds an object's.

    """
    if isinstance(node, ast.stmt):
        if needed is not None and deletable(node, needed):
            yield text.edit("statement deleted", node, "pass")
        if isinstance(node, ast.If | ast.While):
            yield from negated(text, node.test)
        return
    if isinstance(node, ast.IfExp):
        yield from negated(text, node.test)
    elif isinstance(node, ast.BoolOp):
        yield swapped(text, node)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield compared(text, node)
    elif isinstance(node, ast.Constant):
        yield from constant(text, node)
    elif (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, int)
    ):
        yield text.edit("off by one", node, str(1 - node.operand.value))


def deletable(node: ast.stmt, needed: frozenset[str]) -> bool:
    """Tell whether a statement can be deleted, and is not the only thing that binds a name."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        bound = {x.id for t in targets for x in ast.walk(t) if isinstance(x, ast.Name)}
        kept = {
            x.id
            for t in targets
            for x in ast.walk(t)
            if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
        }
        return not kept & needed and bool(bound)
    simple = (ast.AugAssign, ast.Return, ast.Break, ast.Continue, ast.Delete)
    return isinstance(node, simple) or (isinstance(node, ast.If) and not node.orelse)


def negated(text: Text, test: ast.expr) -> Iterator[Edit]:
    """Negate a condition; a comparison has its own operator, True is none."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield text.edit("condition negated", test, text.of(test.operand))
    elif not isinstance(test, ast.Constant):
        yield text.edit("condition negated", test, f"not ({text.of(test)})")


def swapped(text: Text, node: ast.BoolOp) -> Edit:
    """Make ``or`` of ``and``, or the other way."""
    word = " or " if isinstance(node.op, ast.And) else " and "
    parts = [
        f"({text.of(x)})" if isinstance(x, ast.BoolOp | ast.IfExp) else text.of(x)
        for x in node.values
    ]
    return text.edit("and/or", node, f"({word.join(parts)})")


def compared(text: Text, node: ast.Compare) -> Edit:
    """Compare in another way."""
    before, after = COMPARISONS[type(node.ops[0])]
    start = text.span(node.left)[1]
    end = text.span(node.comparators[0])[0]
    at = text.source.index(before, start, end)
    line = node.left.end_lineno or node.lineno
    return Edit("comparison changed", line, at, at + len(before), after)


def constant(text: Text, node: ast.Constant) -> Iterator[Edit]:
    """Make the other of True and False, or one more of a number."""
    if isinstance(node.value, bool):
        yield text.edit("True/False", node, str(not node.value))
    elif isinstance(node.value, int):
        yield text.edit("off by one", node, str(node.value + 1))
